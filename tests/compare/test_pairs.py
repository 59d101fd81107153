"""Which processes of two runs stand beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from samebits.causes._base import Event
from samebits.compare import compare

Make = Callable[..., Any]


def _other(events: Sequence[Event], by: int = 1) -> list[Event]:
    return [replace(event, digest=event.digest ^ by) for event in events]


def _pool(name: str, record: Make, run_of: Make, training: Make, *jobs: Sequence[Event]) -> Any:
    """A run whose pool's workers, from number 1 on, each did one of the jobs; [] is a worker without any."""
    workers = [
        record({0: job} if job else {}, process=f"main/ForkPoolWorker-{n}", status="finished")
        for n, job in enumerate(jobs, start=1)
    ]
    made = run_of(name, record({0: training(1)}), *workers)
    files = [f"{key.replace('/', '~')}.db" for key in made.records]
    made.info["records"] = [{"file": file, "bytes": 5, "log": 0} for file in files]
    made.sizes = dict.fromkeys(files, (5, 0))
    return made


def test_which_worker_of_a_pool_takes_which_job_is_no_difference(
    record: Make, run_of: Make, training: Make
) -> None:
    one, two, other = training(2), _other(training(2)), _other(training(2), 2)
    a = _pool("a", record, run_of, training, one, two)
    for jobs in ([one, two], [two, one], [two, [], one], [[], one, [], two]):
        b = _pool("b", record, run_of, training, *jobs)
        assert (compare(a, b).verdict, compare(b, a).verdict) == ("same", "same"), jobs
        assert compare(a, b).events == compare(a, a).events
    for jobs in ([two, two], [one], [one, two, two], [other, two], [two, other], [[], two], [one, []]):
        b = _pool("b", record, run_of, training, *jobs)
        assert (compare(a, b).verdict, compare(b, a).verdict) == ("diverged", "diverged"), jobs


def test_processes_made_otherwise_do_not_stand_in_for_each_other(
    record: Make, run_of: Make, training: Make
) -> None:
    one, two = training(2), _other(training(2))

    def made(name: str, actor: Sequence[Event], learner: Sequence[Event]) -> Any:
        both = record({0: actor}, process="main/actor"), record({0: learner}, process="main/learner")
        return run_of(name, record({0: training(1)}), *both)

    assert compare(made("a", one, two), made("b", one, two)).verdict == "same"
    assert compare(made("a", one, two), made("b", two, one)).verdict == "diverged"


def test_a_job_that_was_cut_short_with_its_worker_is_incomplete(
    record: Make, run_of: Make, training: Make
) -> None:
    one, two = training(3), _other(training(3))
    a = _pool("a", record, run_of, training, one, two)
    b = _pool("b", record, run_of, training, two, one)
    cut = record({0: training(2)}, process="main/ForkPoolWorker-2", status="running")
    b.records["main/ForkPoolWorker-2"] = cut
    for verdict in (compare(a, b), compare(b, a)):
        assert verdict.verdict == "incomplete", verdict
        assert "main/ForkPoolWorker-2 was recorded up to step 2 only" in f"{verdict.reason}"
