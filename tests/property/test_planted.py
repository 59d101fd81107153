"""A divergence planted at event k of a recorded stream is reported at event k; none planted, none found."""

from __future__ import annotations

import itertools
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samebits.compare import compare
from samebits.compare.diverge import first_divergence
from samebits.record.run import Run

Step = list[tuple[str, str, int, int]]

_RUN = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
_OPERATIONS = ("aten::mm", "aten::add", "aten::relu", "aten::mul", "custom::\x1b[31mred", "aten::sum")
_PIECES = st.lists(st.integers(1, 7), min_size=1, max_size=3)
_OTHER = 1 << 40  # added to a digest, makes it another


@st.composite
def runs(draw: st.DrawFn) -> list[Step]:
    """Steps of operations, a loss, a gradient and a parameter; each at a line of its own, as in a program."""
    fresh = itertools.count(1)
    names = draw(st.lists(st.sampled_from(_OPERATIONS), min_size=1, max_size=20))
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, 5))):
        body = names[: draw(st.integers(1, len(names)))] if draw(st.booleans()) else names
        step = [("op", name, next(fresh), line) for line, name in enumerate(body, 1)]
        step += [("loss", "loss", next(fresh), 50), ("gradient", "w", next(fresh), 51)]
        step += [("op", "aten::add_", next(fresh), 52), ("parameter", "w", next(fresh), 53)]
        steps.append(step)
    return steps


def planted(steps: list[Step], what: str, k: int) -> list[Step]:
    """The same run with event ``k`` changed, dropped, or another put before it; all that follows differs."""
    changed: list[Step] = []
    index = 0
    for step in steps:
        copy: Step = []
        for kind, name, digest, line in step:
            if index == k and what == "inserted":
                copy.append(("op", "aten::planted", 7, 99))
            if index != k or what != "dropped":
                later = index > k or (index == k and what == "changed")
                copy.append((kind, name, digest + _OTHER * later, line))
            index += 1
        changed.append(copy)
    return changed


@_RUN
@given(steps=runs(), what=st.sampled_from(("changed", "dropped", "inserted")), data=st.data())
def test_a_planted_divergence_is_reported_where_it_was_planted(
    write: Any, steps: list[Step], what: str, data: st.DataObject
) -> None:
    total = sum(map(len, steps))
    k = data.draw(st.integers(0, total - 2), label="k")  # something must come after it to be changed by it
    a = write(steps, pieces=data.draw(_PIECES))
    b = write(planted(steps, what, k), pieces=data.draw(_PIECES))
    with Run.open(a) as run_a, Run.open(b) as run_b:
        verdict = compare(run_a, run_b)
        divergence, _ = first_divergence(run_a, run_b)
    assert verdict.verdict == "diverged"
    assert divergence is not None
    if what == "inserted":
        assert divergence.b is not None
        assert (divergence.b.index, divergence.b.name) == (k, "aten::planted")
    else:
        assert divergence.a is not None
        kind, name, digest, line = [event for step in steps for event in step][k]
        assert divergence.a.index == k
        assert (divergence.a.kind, divergence.a.name, divergence.a.digest) == (kind, name, digest)
        assert divergence.a.site is not None
        assert divergence.a.site.line == line
    assert divergence.change == {"changed": "value", "dropped": "missing", "inserted": "extra"}[what] or (
        divergence.change in ("replaced", "end") and what != "changed"
    )
    json.dumps(verdict.as_json(), allow_nan=False)


@_RUN
@given(steps=runs(), pieces=st.tuples(_PIECES, _PIECES))
def test_the_same_events_are_the_same_however_they_were_cut(
    write: Any, steps: list[Step], pieces: tuple[list[int], list[int]]
) -> None:
    a, b = (write(steps, pieces=each) for each in pieces)
    with Run.open(a) as run_a, Run.open(b) as run_b:
        assert compare(run_a, run_a).verdict == "same"
        verdict = compare(run_a, run_b)
    assert verdict.verdict == "same"
    assert verdict.steps == len(steps)
    assert verdict.first is None


@_RUN
@given(steps=runs(), pieces=_PIECES)
def test_what_is_written_is_read(write: Any, steps: list[Step], pieces: list[int]) -> None:
    with Run.open(write(steps, pieces=pieces)) as run:
        record = run.records["main"]
        read = list(record.events(0))
        assert (record.status, record.steps, record.process) == ("finished", len(steps), "main")
        assert record.manifest == {"torch": "2"}
    told = [(number, *event) for number, step in enumerate(steps) for event in step]
    assert [(e.step, e.kind, e.name, e.digest, e.site.line if e.site else 0) for e in read] == told
    assert [e.index for e in read] == list(range(len(told)))
    assert [e.module for e in read] == [f"layer.{line}" for *_, line in told]
