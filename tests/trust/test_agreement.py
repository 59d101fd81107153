"""The small form of `make trust`, smaller still unless it is deep; and what counts as wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.trust import recording
from benchmarks.trust.agreement import CONDITIONS, Condition, agree, kind, wrong
from benchmarks.trust.recording import Said

WAYS = (
    Condition("step", "native", "quiet"),
    Condition("step", "native", "loaded"),
    Condition("step", "python", "quiet"),
    Condition("op", "native", "quiet"),
    Condition("op", "native", "loaded"),
    Condition("op", "python", "loaded"),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("programs", "ways"),
    [
        pytest.param(["many_small"], (WAYS[1], WAYS[2], WAYS[3]), id="one program"),
        pytest.param(["many_small", "workers"], WAYS, id="two programs", marks=pytest.mark.deep),
    ],
)
def test_records_of_one_program_agree(
    tmp_path: Path, programs: list[str], ways: tuple[Condition, ...]
) -> None:
    *pairs, records = agree(programs, ways, tmp_path)
    assert records.wrong == 0, records.detail
    assert sum(row.tried for row in pairs) == len(programs) * len(ways) * (len(ways) - 1) // 2
    assert not any(row.wrong for row in pairs), "\n".join(f"{row.what}: {row.detail}" for row in pairs)


def test_there_are_twenty_programs_and_a_thousand_pairs() -> None:
    programs = recording.programs()
    assert len(programs) == 20

    def pairs(records: int) -> int:
        return records * (records - 1) // 2

    assert 10 * pairs(len(CONDITIONS)) + 10 * pairs(2 * len(CONDITIONS)) >= 1000


@pytest.mark.parametrize(
    ("said", "right"),
    [
        (Said("same", "12 steps.", events=40), True),
        (Said("same", "0 steps.", events=0), False),
        (Said("incomplete", "agrees up to step 3; run b was interrupted", events=9), True),
        (Said("incomplete", "", events=9), False),
        (Said("diverged", "the runs diverge at step 3, loss", events=9), False),
        (Said("failed", "run a failed with exit code 1"), False),
        (Said("unreadable", "the record main.db is damaged"), False),
        (Said("crash", "KeyError: 3", traceback=True), False),
    ],
)
def test_what_is_wrong_to_say_of_two_equal_runs(said: Said, right: bool) -> None:
    assert (wrong(said) is None) is right


def test_pairs_are_told_apart_by_what_differs() -> None:
    step, other = Condition("step", "native", "quiet"), Condition("step", "native", "loaded", 1)
    assert kind(step, other) == "alike"
    assert kind(step, Condition("op", "native", "quiet")) == "by another level"
    assert kind(step, Condition("op", "python", "quiet")) == "by another level and another observer"
