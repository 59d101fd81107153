"""Two records a step at a time: compared as bytes, and only what both observed."""

from __future__ import annotations

from pathlib import Path

import pytest

from samebits.compare.steps import StepPair
from samebits.model.events import PARTIAL
from samebits.record.chunks import Chunk

from .written import opened

STEP = [("batch", "", 1), ("loss", "loss", 2), ("gradient", "w", 3), ("parameter", "w", 4)]


def test_equal_steps_are_not_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A structure is laid out once, however many steps share it."""
    looked: list[int] = []
    a, b = opened(tmp_path, [STEP] * 50, [STEP] * 50)
    with a, b:
        pair = StepPair(a, b)
        monkeypatch.setattr(pair, "_layer", lambda step, layer: looked.append(step))
        assert all(not any(seen.values()) for seen in pair.differing.values())
        assert len(pair.differing) == 50
        assert len(pair.a._layouts) == 1
    assert looked == []


def test_what_both_observed_is_compared_by_name(tmp_path: Path) -> None:
    """One run read a gradient more: the shared one decides, whatever its place."""
    more = [("batch", "", 1), ("loss", "loss", 2), ("gradient", "x", 9), ("gradient", "w", 3)]
    a, b = opened(tmp_path, [STEP], [more])
    with a, b:
        assert StepPair(a, b).differing == {0: {"batch": False, "loss": False, "gradients": False}}
        assert not StepPair(a, b).equal(0)


def test_left_unread_is_not_observed(tmp_path: Path) -> None:
    unread = [("loss", "loss", 2), ("gradient", "w", 0, PARTIAL)]
    a, b = opened(tmp_path, [STEP], [unread])
    with a, b:
        assert StepPair(a, b).differing == {0: {"loss": False}}


def test_a_name_that_comes_twice(tmp_path: Path) -> None:
    """A name that comes twice stays two, and the one that both have is compared."""
    a, b = opened(tmp_path, [[("loss", "loss", 1), ("loss", "loss", 2)]], [[("loss", "loss", 1)]])
    with a, b:
        pair = StepPair(a, b)
        assert pair.a.named(0, "loss").keys() == {("loss", 0), ("loss", 1)}
        assert pair.differing == {0: {"loss": False}}
        chunk: Chunk = pair.a.chunks[0][0]
        assert pair.a.digests(0, "loss")[1] == chunk.digests


@pytest.mark.parametrize(("finished", "expected"), [(2, None), (1, True)])
def test_what_a_step_begins_with(tmp_path: Path, finished: int, expected: bool | None) -> None:
    """The parameters that the step before it left; at the end, those of the last reading too."""
    a, b = opened(tmp_path, [[("loss", "loss", 1)], [("parameter", "w", 1)]],
                  [[("loss", "loss", 1)], [("parameter", "w", 2)]], finished=finished)  # fmt: skip
    with a, b:
        pair = StepPair(a, b)
        assert pair.at_start(0) is None
        assert pair.at_start(1) is expected
        assert pair.at_start(2) is True
