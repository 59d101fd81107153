"""The budget for reading parameters: what the first run makes, the second follows."""

from __future__ import annotations

import itertools

from samebits.observe.schedule import LARGEST, MEASURED, Schedule


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def measured(step: float, reading: float, steps: int) -> Schedule:
    """A schedule after ``steps`` steps that took ``step`` seconds, reading everything ``reading``."""
    schedule, clock = Schedule(None, measures=True), Clock()
    schedule._clock = clock
    schedule.restart()
    for done in range(1, steps + 1):
        spent = reading / schedule.stride
        clock.now += step + spent
        schedule.spent(spent, share=schedule.stride)
        schedule.advance(done)
    return schedule


def test_a_cheap_reading_is_whole_every_time() -> None:
    schedule = measured(step=1.0, reading=0.001, steps=300)
    assert schedule.stride == 1
    assert schedule.made == [(n, 1) for n in MEASURED if n <= 300]
    assert schedule.turn(7, [1, 2, 3]) == [1, 2, 3]


def test_a_dear_reading_is_spread_over_steps() -> None:
    schedule = measured(step=1.0, reading=0.12, steps=20)
    assert schedule.stride == 16  # ten would do; strides are powers of two
    assert [step for step, _ in schedule.made] == [4, 16]


def test_a_stride_has_a_limit() -> None:
    assert measured(step=1e-9, reading=10.0, steps=4).stride == LARGEST


def test_everything_is_read_within_a_stride() -> None:
    schedule = Schedule([(0, 5)], measures=True)
    schedule.advance(0)
    things = list(range(23))
    for first in (0, 3, 1000):
        turns = [schedule.turn(step, things) for step in range(first, first + 5)]
        assert sorted(itertools.chain(*turns)) == things
        assert sum(schedule.reads_all(step) for step in range(first, first + 5)) == 1


def test_a_stride_beyond_the_parameters_reads_each_once() -> None:
    schedule = Schedule([(0, 100)], measures=False)
    schedule.advance(0)
    assert sorted(itertools.chain(*(schedule.turn(step, [1, 2]) for step in range(100)))) == [1, 2]


def test_the_second_run_follows_the_first() -> None:
    first = measured(step=1.0, reading=0.3, steps=70)
    second = Schedule(first.made, measures=True)
    strides = []
    for done in range(1, 71):
        assert not second.advance(done)
        strides.append(second.stride)
    assert second.made == []
    assert strides[2:4] == [1, dict(first.made)[4]]
    assert strides[-1] == first.stride > 1


def test_without_measuring_everything_is_read() -> None:
    schedule = Schedule(None, measures=False)
    schedule.spent(100.0, share=1)
    assert not any(schedule.advance(step) for step in range(1, 2000))
    assert schedule.stride == 1
