"""What is in a checkpoint: by content, by name, or by a number that nothing else has."""

from __future__ import annotations

import pytest

from samebits.model.facts import GRADIENTS, Checkpoint
from samebits.trials.resume.align import start
from samebits.trials.resume.history import State
from samebits.trials.resume.saved import Saved

from .histories import history, loaded, saved

HEAT: State = ("counter", "heat")
SEEN: State = ("counter", "seen")
OTHER: State = ("counter", "other")
PLACE: State = ("position", "loader")
ROWS: State = ("values", "rows")


def states(steps: int) -> list[dict[State, str]]:
    return [
        {
            ("parameters", "net"): f"w{step}",
            HEAT: f"={0.9**step!r}",
            SEEN: f"={8 * step}",
            OTHER: f"={8 * step}",
            PLACE: f"={step % 3 + 1}",
            ROWS: f"r{step}",
        }
        for step in range(steps)
    ]


def checkpoint(*keys: str, holds: tuple[str, ...] = ()) -> Saved:
    whole, cut = history(states(8)), history(states(5), checkpoints=[(4, saved("d", *keys, holds=holds))])
    resumed = history(states(8)[4:], checkpoints=[(0, loaded("d"))])
    begin = start(whole, cut, resumed)
    assert begin is not None
    return Saved(whole, cut, cut, resumed, begin)


@pytest.mark.parametrize(
    ("kind", "state", "keys", "key"),
    [
        ("counter", HEAT, ("heat=1.5",), None),  # another variable of its name
        ("counter", HEAT, ("extra.heat",), "extra.heat"),
        ("counter", HEAT, (f"temp={0.9**4!r}",), "temp"),
        ("counter", HEAT, (f"temp={0.9**4!r}", f"warmth={0.9**4!r}"), None),  # which of the two?
        ("counter", SEEN, ("n=32",), None),  # `other` was 32, too
        ("counter", SEEN, ("seen=33",), "seen"),  # what the next step begins with
        ("counter", SEEN, ("n=33",), None),
        ("loader-position", PLACE, ("pos=2",), "pos"),
        ("loader-position", PLACE, ("pos=7",), None),
        ("loader-position", PLACE, ("sampler",), "sampler"),
        ("optimizer", ("optimizer", "sgd"), ("options", "opt"), "opt"),
        ("optimizer", ("optimizer", "sgd"), ("options",), None),
        ("scheduler", ("scheduler", "sched"), ("lr_scheduler",), "lr_scheduler"),
    ],
)
def test_the_key_of_a_state(kind: str, state: State, keys: tuple[str, ...], key: str | None) -> None:
    found = checkpoint("model", *keys)
    assert found.key(kind, state) == key
    assert found.how(kind, state) == (("not loaded", key) if key else ("not saved", None))


def test_content_is_known_under_any_key() -> None:
    found = checkpoint("a", "b", holds=("values rows=a", f"{' '.join(GRADIENTS)}=b"))
    assert found.key("value", ROWS) == "a"
    assert found.how("gradients", GRADIENTS) == ("not loaded", "b")
    assert found.key("value", ("values", "others")) is None


def test_a_checkpoint_that_was_packed_is_known_by_its_values() -> None:
    packed = Checkpoint(action="save", path="c.gz", digest="before it was closed", values="v")
    whole, cut = history(states(8)), history(states(5), checkpoints=[(2, saved("d")), (4, packed)])
    for values, step in (("v", 4), ("w", None)):
        back = Checkpoint(action="load", path="d.gz", digest="closed", values=values)
        begin = start(whole, cut, history(states(8)[4:], checkpoints=[(0, back)]))
        assert (None if begin is None else begin.step) == step
