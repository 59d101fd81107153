"""Seconds a step: each while they are few, then those of longer stretches."""

from __future__ import annotations

from itertools import count

import pytest

from samebits.observe import pace
from samebits.observe.pace import Pace


def test_each_step_has_its_time_but_the_first() -> None:
    found = Pace()
    moments = iter([10.0, 10.5, 12.0])
    found._clock = lambda: next(moments)
    for _ in range(3):
        found.step()
    assert found.seconds() == [0.5, 1.5]


def test_many_are_thinned_out_and_stand_for_as_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "_MOST", 8)
    found = Pace()
    ticks = count()
    found._clock = lambda: float(next(ticks))  # asked for kept moments alone
    for _ in range(100):
        found.step()
    assert 4 <= len(found.seconds()) <= 8
    assert found._stride == 16
