"""The small form of the cuts; that each cut is what it says; and what counts as a right sentence."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest
from benchmarks.trust import cuts, cutting
from benchmarks.trust.cutting import Lost
from benchmarks.trust.recording import Said

from samebits.record.run import Run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[cuts.Base]:
    """A run of several processes, and one that was killed."""
    folder = tmp_path_factory.mktemp("runs")
    return cuts.bases(folder, 0, [("workers", "op")], [("many_small", "op")])


@pytest.mark.slow
def test_what_lost_something_is_never_the_same(made: list[cuts.Base], tmp_path: Path) -> None:
    rows = cuts.cut_all(made, 2 * len(cutting.CUTS), random.Random(0), tmp_path)
    assert [row.tried for row in rows] == [2 * len(cutting.CUTS)] + [2] * len(cutting.CUTS)
    assert not any(row.wrong for row in rows), "\n".join(f"{row.what}: {row.detail}" for row in rows)


@pytest.mark.slow
def test_a_killed_run_has_a_write_ahead_log(made: list[cuts.Base]) -> None:
    assert [(base.run / "main.db-wal").exists() for base in made] == [False, True]


@pytest.mark.slow
@pytest.mark.parametrize("closed", [False, True])
def test_a_record_that_ends_early_passes_every_check(
    made: list[cuts.Base], tmp_path: Path, closed: bool
) -> None:
    copy = cutting.copy(made[0].run, tmp_path, "early")
    cut = cutting.ended_early_and_closed if closed else cutting.ended_early
    lost = cut(copy, random.Random(1))
    assert lost is not None
    with Run.open(copy) as run, Run.open(made[0].run) as whole:
        record = run.records["main"]
        assert record.steps == lost.steps < whole.records["main"].steps
        assert (record.status == whole.records["main"].status) is closed
        assert sum(1 for _ in record.events(0)) > 0
        record.facts()
    with sqlite3.connect(copy / "main.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


LOST = Lost("main.db ends early", ("main",), 7)


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        (Said("incomplete", "agrees up to step 7; in run cut-1, main was recorded up to step 7 only"), []),
        (Said("incomplete", "agrees up to step 6 of run A, whose main.db ends there"), []),
        (Said("same", "main, run cut-1, step 7"), ["called same"]),
        (Said("diverged", "main, run cut-1, step 7"), ["called diverged"]),
        (Said("incomplete", "agrees up to step 7; in run B, main ends"), ["does not say which run"]),
        (Said("incomplete", "agrees up to step 7; run cut-1 lost something"), ["does not say main"]),
        (
            Said("incomplete", "agrees up to step 9; in run cut-1, main ends"),
            ["does not say up to which step (7) they agree"],
        ),
        (Said("unreadable", "the record /x/cut-1/main.db is damaged"), []),
        (Said("unreadable", "a record is damaged"), ["does not say which run"]),
    ],
)
def test_what_a_sentence_has_to_say(said: Said, faults: list[str]) -> None:
    assert cuts.faults(said, LOST, "cut-1", "A", killed=False) == faults
