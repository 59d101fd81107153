"""Streams by name: one more draw in one place changes nothing elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from samebits.errors import StateError
from samebits.seeding import Key, Streams, capture_rng, isolated, restore_rng

names = st.sampled_from(["dropout", "augment", "shuffle", "init"])
uses = st.lists(
    st.tuples(names, st.sampled_from(["torch", "numpy", "python"]), st.integers(1, 3)), max_size=12
)


def draw(streams: Streams, name: str, kind: str) -> float:
    if kind == "torch":
        return torch.rand((), generator=streams.torch(name)).item()
    return float(streams.numpy(name).random() if kind == "numpy" else streams.python(name).random())


@given(uses, st.sampled_from(["torch", "numpy", "python"]))
def test_draws_elsewhere_change_nothing_here(elsewhere: list[Any], kind: str) -> None:
    quiet = Streams(7)
    expected = [draw(quiet, "here", kind) for _ in range(3)]
    busy = Streams(7)
    seen = []
    for _ in range(3):
        for name, other, count in elsewhere:
            for _ in range(count):
                draw(busy, name, other)
        seen.append(draw(busy, "here", kind))
    assert seen == expected


def test_the_same_name_is_the_same_object() -> None:
    streams = Streams(7)
    assert streams.torch("a") is streams.torch("a")
    assert streams.torch("a") is streams.torch("a", device=torch.device("cpu"))
    assert streams.numpy("a") is streams.numpy("a")
    assert streams.python("a") is streams.python("a")
    assert streams.python("a") is not streams.python("b")


def test_children_go_on_too() -> None:
    streams = Streams(7)
    for child in (
        lambda: streams.child("block"),
        lambda: streams.per_rank(3),
        lambda: streams.child(1).child(2),
    ):
        assert child().numpy("x") is child().numpy("x")
    assert streams.child("a", "b").python("x") is not streams.child("a").child("b").python("x")


def test_nothing_shares_a_stream() -> None:
    seen = [
        draw(streams, name, kind)
        for streams in (
            Streams(7), Streams(8), Streams(7).child("block"), Streams(7).child("block", 1),
            Streams(7).per_rank(0), Streams(7).per_rank(1), Streams(Key(7)),
        )
        for name in ("a", "b", "")
        for kind in ("torch", "numpy", "python")
    ]  # fmt: skip
    assert len(set(seen)) == len(seen)


def test_repeats() -> None:
    assert Streams(7).numpy("a").random() == Streams(np.int64(7)).numpy("a").random()  # type: ignore[arg-type]
    assert repr(Streams(7)) == "Streams(Key(7, ('streams',)))"
    assert eval(repr(Streams(7)), {"Streams": Streams, "Key": Key}).python("a").random() == (  # noqa: S307
        Streams(7).python("a").random()
    )


def test_a_name_has_a_key() -> None:
    streams = Streams(7)
    assert streams.key("dropout") == Key(7, ("streams", "key", "dropout")) == streams.key("dropout")
    assert streams.child("block").key("x") == Key(7, ("streams", "child", "block", "key", "x"))
    assert Streams(Key(7, ("mine",))).key("x") == Key(7, ("mine", "key", "x"))
    draw(streams, "dropout", "numpy")
    assert streams.key("dropout") == Streams(7).key("dropout")


def test_a_key_begins_anew_where_the_streams_do() -> None:
    """In a scope, as in a sample of a loader."""
    streams = Streams(7)
    outside = streams.key("x")
    with isolated(3, generators={"streams": streams}):
        inside = streams.key("x")
        assert inside == streams.key("x") != outside
    assert streams.key("x") == outside
    with isolated(4, generators={"streams": streams}):
        assert streams.key("x") not in (inside, outside)


@pytest.mark.parametrize("bad", [None, 1.5, True, "x"])
def test_refuses_what_is_no_seed(bad: Any) -> None:
    with pytest.raises(TypeError, match="must be an int"):
        Streams(bad)


@pytest.mark.parametrize("kind", ["torch", "numpy", "python", "key"])
def test_refuses_what_is_no_name(kind: str) -> None:
    with pytest.raises(TypeError, match="a stream's name must be a str, got 3"):
        getattr(Streams(7), kind)(3)


KINDS = ["torch", "numpy", "python"]


def test_a_resumed_run_needs_not_ask_for_its_streams_first() -> None:
    """What a checkpoint holds is made; what it does not hold had not drawn."""
    streams = Streams(7)
    for kind in KINDS:
        draw(streams, "used", kind)
        draw(streams.child("block", 2**100).per_rank(1), "used", kind)
    state = capture_rng(streams=streams)
    expected = [draw(s, name, kind) for s in (streams, streams.child("block", 2**100).per_rank(1))
                for name in ("used", "later") for kind in KINDS]  # fmt: skip
    again = Streams(7)
    held = again.numpy("later")  # asked for before restoring, and moved
    held.random()
    restore_rng(state, streams=again)
    seen = [draw(s, name, kind) for s in (again, again.child("block", 2**100).per_rank(1))
            for name in ("used", "later") for kind in KINDS]  # fmt: skip
    assert seen == expected
    assert again.numpy("later") is held


def test_another_seeds_state_is_refused() -> None:
    state = capture_rng(streams=Streams(7))
    with pytest.raises(StateError, match="the seed 7, this has 8"):
        restore_rng(state, streams=Streams(8))


@pytest.mark.parametrize("kind", KINDS)
def test_scopes_isolate_them_also_those_first_asked_for_inside(kind: str) -> None:
    quiet, busy = Streams(7), Streams(7)
    expected = [draw(quiet, "old", kind), draw(quiet, "old", kind), draw(quiet, "new", kind)]
    seen = [draw(busy, "old", kind)]
    with isolated():
        inside = draw(busy, "old", kind), draw(busy, "new", kind)
    seen += [draw(busy, "old", kind), draw(busy, "new", kind)]
    assert seen == expected
    assert inside[0] not in expected
