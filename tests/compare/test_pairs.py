"""Which processes of two runs stand beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.compare.conftest import FakeRecord, FakeRun

from samebits.compare import compare
from samebits.model.events import Event
from samebits.model.facts import Fact, Save

Make = Callable[..., Any]
Jobs = Sequence[tuple[str, Sequence[Event]]]


def _other(events: Sequence[Event], by: int = 1) -> list[Event]:
    return [replace(event, digest=event.digest ^ by) for event in events]


def _made(name: str, *records: FakeRecord) -> FakeRun:
    """A run that lists its records, as one does that came to its end."""
    made = FakeRun(name, {record.process: record for record in records})
    files = [f"{key.replace('/', '~')}.db" for key in made.records]
    made.info["records"] = [{"file": file, "bytes": 5, "log": 0} for file in files]
    made.sizes = dict.fromkeys(files, (5, 0))
    return made


def _pool(name: str, main: Sequence[Event], jobs: Jobs) -> FakeRun:
    """A run whose pool's workers, from number 1 on, each took one job: what it is, and what it computes.

    ("", []) is a worker without any.
    """
    workers = [
        FakeRecord(
            {0: events} if events else {},
            process=f"main/ForkPoolWorker-{number}",
            notes={"work": what} if what else {},
        )
        for number, (what, events) in enumerate(jobs, start=1)
    ]
    return _made(name, FakeRecord({0: main}), *workers)


def test_which_worker_of_a_pool_takes_which_job_is_no_difference(training: Make) -> None:
    main, idle = training(1), ("", [])
    one, two = ("one", training(2)), ("two", _other(training(2)))
    wrong = ("two", _other(training(2), 2))
    a = _pool("a", main, [one, two])
    for jobs in ([one, two], [two, one], [two, idle, one], [idle, one, idle, two]):
        b = _pool("b", main, jobs)
        assert (compare(a, b).verdict, compare(b, a).verdict) == ("same", "same"), jobs
        assert compare(a, b).events == compare(a, a).events
    for jobs in ([one], [one, wrong], [wrong, one], [idle, two], [one, two, two], [two, two]):
        b = _pool("b", main, jobs)
        assert (compare(a, b).verdict, compare(b, a).verdict) == ("diverged", "diverged"), jobs


def test_a_job_that_computed_something_else_is_compared_with_itself(training: Make) -> None:
    """Whichever workers took it."""
    main = training(1)
    at = next(n for n, event in enumerate(training(2)) if event.kind == "loss" and event.step == 1)
    late = [replace(event, digest=event.digest ^ (n >= at)) for n, event in enumerate(training(2))]
    a = _pool("a", main, [("one", training(2)), ("two", _other(training(2)))])
    b = _pool("b", main, [("two", _other(training(2))), ("one", late)])
    for verdict in (compare(a, b), compare(b, a)):
        assert verdict.first is not None
        assert (verdict.first.op, verdict.first.step, verdict.first.change) == ("loss", 1, "value")


def test_two_jobs_that_came_to_each_others_results_have_diverged(training: Make) -> None:
    """Equal numbers from somewhere are not enough: what they are the results of must be the same."""
    main, one, two = training(1), training(2), _other(training(2))
    a = _pool("a", main, [("job 1", one), ("job 2", two)])
    b = _pool("b", main, [("job 1", two), ("job 2", one)])
    assert (compare(a, b).verdict, compare(b, a).verdict) == ("diverged", "diverged")


def test_jobs_that_are_not_known_are_compared_by_their_workers(training: Make) -> None:
    main, one, two = training(1), training(2), _other(training(2))
    alike = [_pool("a", main, [("", one), ("", two)]), _pool("b", main, [("", one), ("", two)])]
    assert compare(*alike).verdict == "same"
    assert compare(*alike).notes == ()
    assert compare(alike[0], _pool("b", main, [("", two), ("", one)])).verdict == "diverged"


def test_other_work_with_the_same_results_is_said(training: Make) -> None:
    """It may be a folder's random name, or two jobs that swapped places and workers both."""
    main, one, two = training(1), training(2), _other(training(2))
    a = _pool("a", main, [("job 1", one), ("job 2", two)])
    verdict = compare(a, _pool("b", main, [("job 3", one), ("job 2", two)]))
    assert verdict.verdict == "same"
    (note,) = verdict.notes
    assert note == (
        "the tasks or the command of main/ForkPoolWorker-1 differ between the runs (compared as bytes)"
    )


@pytest.mark.parametrize("names", [("Process-1", "Process-2"), ("actor", "learner"), ("child", "child#2")])
def test_processes_with_tasks_of_their_own_do_not_stand_in_for_each_other(
    training: Make, names: tuple[str, str]
) -> None:
    one, two = training(2), _other(training(2))

    def made(name: str, *events: Sequence[Event]) -> FakeRun:
        both = [FakeRecord({0: each}, process=f"main/{key}") for key, each in zip(names, events, strict=True)]
        return _made(name, FakeRecord({0: training(1)}), *both)

    assert compare(made("a", one, two), made("b", one, two)).verdict == "same"
    assert compare(made("a", one, two), made("b", two, one)).verdict == "diverged"


@pytest.mark.parametrize("keys", [("main/child", "main/child#2"), ("main", "main#2")])
def test_commands_are_known_by_what_they_were_told(training: Make, keys: tuple[str, str]) -> None:
    """Two that run at once are numbered in the order in which they come to import torch."""
    one, two = training(2), _other(training(2))

    def made(name: str, *told: tuple[str, Sequence[Event]]) -> FakeRun:
        records = [
            FakeRecord({0: events}, process=key, notes={"work": argument})
            for key, (argument, events) in zip(keys, told, strict=True)
        ]
        return _made(name, *records)

    a = made("a", ("1", one), ("2", two))
    assert compare(a, made("b", ("2", two), ("1", one))).verdict == "same"
    assert compare(a, made("b", ("2", one), ("1", two))).verdict == "diverged"
    assert compare(a, made("b", ("1", two), ("2", one))).verdict == "diverged"
    alike = made("a", ("1", one), ("1", two))
    assert compare(alike, made("b", ("1", one), ("1", two))).verdict == "same"
    assert compare(alike, made("b", ("1", two), ("1", one))).verdict == "diverged", (
        "what was told them elsehow?"
    )


def _saving(name: str, keys: Sequence[str], *did: tuple[str, str, Sequence[Event]]) -> FakeRun:
    """A run of processes of which each was told something, saved under a name, and computed something."""
    records = [
        FakeRecord(
            {0: events},
            process=key,
            notes={"work": told} if told else {},
            facts=[Fact(Save(path=saved), None, 0, 0)],
        )
        for key, (told, saved, events) in zip(keys, did, strict=True)
    ]
    return _made(name, *records)


@pytest.mark.parametrize("keys", [("main", "main#2"), ("main/ForkProcess-1", "main/ForkProcess-2")])
def test_the_same_work_saved_under_the_names_of_others_is_not_the_same(
    training: Make, keys: tuple[str, str]
) -> None:
    """Something else than the words told it where to save: its standard input, what it inherited."""
    one, two = training(2), _other(training(2))
    a = _saving("a", keys, ("1", "first.pt", one), ("2", "second.pt", two))
    b = _saving("b", keys, ("2", "first.pt", two), ("1", "second.pt", one))
    assert compare(a, b).verdict == "diverged"
    assert compare(a, _saving("b", keys, ("2", "second.pt", two), ("1", "first.pt", one))).verdict == "same"
    timed = _saving("b", keys, ("2", "2026-11-28 08:00.pt", two), ("1", "2026-11-28 08:01.pt", one))
    assert compare(a, timed).verdict == "same", "a name that only one run has says nothing"


@pytest.mark.parametrize("told", [("a", "b"), ("", "")])
def test_commands_and_forks_are_known_by_what_they_saved(training: Make, told: tuple[str, str]) -> None:
    """Where they were told another way, as by their standard input."""
    one, two = training(2), _other(training(2))
    keys = ("main/child", "main/child#2")
    a = _saving("a", keys, (told[0], "first.pt", one), (told[0], "second.pt", two))
    b = _saving("b", keys, (told[1], "second.pt", two), (told[1], "first.pt", one))
    assert compare(a, b).verdict == "same"
    b = _saving("b", keys, (told[1], "second.pt", one), (told[1], "first.pt", two))
    assert compare(a, b).verdict == "diverged"


def test_workers_of_nested_pools(training: Make) -> None:
    """Which worker of the outer pool made an inner one is a matter of time, too."""
    one, two = training(2), _other(training(2))

    def made(name: str, first: str, second: str) -> FakeRun:
        records = [
            FakeRecord({0: events}, process=f"main/ForkProcess-{number}", notes={"work": what})
            for number, what, events in ((first, "one", one), (second, "two", two))
        ]
        return _made(name, FakeRecord({0: training(1)}), *records)

    assert compare(made("a", "1:1", "2:1"), made("b", "2:1", "1:1")).verdict == "same"


def test_a_job_that_was_cut_short_with_its_worker_is_incomplete(training: Make) -> None:
    one, two = ("one", training(3)), ("two", _other(training(3)))
    a, b = _pool("a", training(1), [one, two]), _pool("b", training(1), [two, one])
    cut = b.records["main/ForkPoolWorker-2"]
    b.records[cut.process] = FakeRecord(
        {0: training(2)}, process=cut.process, status="running", notes=cut.notes
    )
    for verdict in (compare(a, b), compare(b, a)):
        assert verdict.verdict == "incomplete", verdict
        assert "main/ForkPoolWorker-2 was recorded up to step 2 only" in f"{verdict.reason}"
