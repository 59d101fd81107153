"""What is missing of a run, and that no run that lacks something is ever called the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from samebits.compare import compare, compare_all
from samebits.compare.gaps import to_its_end
from samebits.record.log import UNCLOSED

Make = Callable[..., Any]
_LISTED = {"file": "main.db", "bytes": 100, "log": 0}


def _whole(run: Make, training: Make, name: str, **more: Any) -> Any:
    made = run(training(4), name, **more)
    made.info["records"] = [_LISTED]
    made.sizes = {"main.db": (100, 0)}
    return made


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({"status": "running"}, "run b is still running, or what started it was killed"),
        ({"status": "interrupted"}, "run b was interrupted"),
        ({"status": "timeout", "seconds": 60.2}, "run b was stopped by its time limit after 60 s"),
        (
            {"status": "lost", "reason": "the disk is full"},
            "run b was not recorded to its end: the disk is full",
        ),
        (
            {"unattached": [{"command": ["python", "-I", "x.py"], "why": "-I ignores PYTHONPATH"}]},
            "run b used torch unobserved in 'python -I x.py': -I ignores PYTHONPATH",
        ),
        (
            {"records": [_LISTED, {"file": "rank1.db", "bytes": 1, "log": 0}]},
            "run b has lost the record rank1.db",
        ),
        (
            {"records": [{"file": "main.db", "bytes": 101, "log": 0}]},
            "run b holds in main.db another record than when it ended: its size changed",
        ),
        (
            {"records": [{"file": "main.db", "bytes": 100, "log": 7}]},
            "run b holds in main.db another record than when it ended: its size changed",
        ),
        (
            {"records": [{"file": "rank0.db", "bytes": 100, "log": 0}]},
            "run b has lost the record rank0.db (and 1 more, in the notes)",
        ),
    ],
)
def test_a_run_that_lacks_something(info: dict[str, Any], words: str, run: Make, training: Make) -> None:
    a, b = _whole(run, training, "a"), _whole(run, training, "b")
    assert compare(a, b).verdict == "same"
    b.info |= info
    for verdict in (compare(a, b), compare(b, a), compare_all([a, a, b])):
        assert (verdict.verdict, verdict.exit_status) == ("incomplete", 2)
        assert verdict.reason == f"agrees up to step 4; {words}"


def test_a_run_without_run_json(run: Make, training: Make) -> None:
    a, b = _whole(run, training, "a"), _whole(run, training, "b")
    b.info.clear()
    words = "run b has no readable run.json, which says how it ended"
    assert compare(a, b).reason == f"agrees up to step 4; {words}"


@pytest.mark.parametrize("status", ["running", "interrupted"])
def test_a_record_that_its_process_did_not_close(status: str, run: Make, training: Make) -> None:
    a, b = _whole(run, training, "a"), _whole(run, training, "b", status=status)
    verdict = compare(a, b)
    assert verdict.reason == f"agrees up to step 4; in run b, main was recorded up to step 4 only: {status}"


def test_a_difference_before_the_gap_is_a_difference(run: Make, training: Make) -> None:
    a, b = _whole(run, training, "a"), _whole(run, training, "b", status="running")
    events = [replace(e, digest=e.digest ^ (e.step >= 1)) for e in training(4)]
    b.records["main"] = type(b.records["main"])({0: events}, status="running")
    verdict = compare(a, b)
    assert verdict.verdict == "diverged"
    assert verdict.first is not None
    assert verdict.first.step == 1
    assert "in run b, main was recorded up to step 4 only: running" in verdict.notes


@pytest.mark.parametrize("extra", [0, 3, 9])
@pytest.mark.parametrize("status", ["running", "interrupted"])
def test_what_comes_after_the_last_whole_step_of_a_cut_run_is_not_compared(
    extra: int, status: str, run: Make, training: Make
) -> None:
    """An interrupted program may do what it likes with its last breath; a killed one stops anywhere."""
    whole = training(5)
    cut = [event for event in whole if event.step < 3]
    rest = [event for event in whole if event.step == 3][:extra]
    odd = [replace(event, name="aten::save", digest=7) for event in rest[1:]]
    a = run(whole, "a")
    b = run([*cut, *rest[:1], *odd], "b", status=status)
    b.records["main"].steps = 3
    verdict = compare(a, b)
    assert verdict.verdict == "incomplete", verdict.first
    assert "agrees up to step 3" in str(verdict.reason)


def test_stopped_by_steps(run: Make, training: Make) -> None:
    """Both were told to stop there: that is all that was to be observed."""
    ended = [_whole(run, training, name, status="stopped") for name in "ab"]
    assert compare(*ended).verdict == "same"
    longer = run(training(6), "c")
    for one, other in ((ended[0], longer), (longer, ended[0])):
        verdict = compare(one, other)
        assert verdict.verdict == "incomplete"
        assert verdict.reason == "agrees up to step 4; run a was told to stop after 4 steps"
    shorter = run(training(3), "d")
    assert compare(ended[0], shorter).verdict == "diverged"  # it ended by itself, where the other went on


def test_a_process_that_only_one_run_has(run_of: Make, training: Make, record: Make) -> None:
    def made(name: str, *ranks: int) -> Any:
        records = [record({0: training(3)}, process=f"rank{rank}", rank=rank) for rank in ranks]
        return run_of(name, *records)

    a, b = made("a", 0, 1), made("b", 0)
    assert compare(a, b).reason == "agrees up to step 3; in run b, rank1 was not recorded"
    b.info["records"] = [{"file": "rank0.db", "bytes": 5, "log": 0}]
    b.sizes = {"rank0.db": (5, 0)}
    assert compare(a, b).verdict == "diverged"  # it never had one


def test_a_record_that_lost_its_end_since_is_no_difference(run: Make, training: Make) -> None:
    """Closed, and shorter than it was when the run ended: only run.json can tell."""
    a, b = _whole(run, training, "a"), _whole(run, training, "b")
    shorter = [event for event in training(4) if event.step < 2]
    b.records["main"] = type(b.records["main"])({0: shorter})
    assert compare(a, b).verdict == "diverged"
    b.sizes = {"main.db": (60, 0)}
    for verdict in (compare(a, b), compare(b, a)):
        assert verdict.verdict == "incomplete"
        assert "agrees up to step 2; run b holds in main.db another record" in str(verdict.reason)


def test_a_child_whose_record_was_lost_is_no_difference(run_of: Make, training: Make, record: Make) -> None:
    def made(name: str, *keys: str) -> Any:
        found = run_of(name, *(record({0: training(3)}, process=key) for key in keys))
        files = ["main.db", "main~Process-1.db"]
        found.info["records"] = [{"file": file, "bytes": 5, "log": 0} for file in files]
        found.sizes = dict.fromkeys((f"{key.replace('/', '~')}.db" for key in keys), (5, 0))
        return found

    a, b = made("a", "main", "main/Process-1"), made("b", "main")
    assert compare(a, b).reason == "agrees up to step 3; run b has lost the record main~Process-1.db"
    assert compare(b, a).verdict == "incomplete"


def test_a_worker_may_be_killed(run_of: Make, training: Make, record: Make) -> None:
    """A loader that is done ends its workers; their records are not closed, and decide nothing."""
    worker = [event for event in training(3) if event.kind == "op" and event.phase == "forward"]
    runs = [
        run_of(name, record({0: training(3)}), record({0: worker}, process="main/Worker", status="running"))
        for name in "ab"
    ]
    assert compare(*runs).verdict == "same"
    runs[1].records["main/Worker"].notes["incomplete"] = UNCLOSED
    assert compare(*runs).verdict == "same"
    runs[1].records["main/Worker"].notes["incomplete"] = "the disk is full"
    assert compare(*runs).verdict == "incomplete"


@pytest.mark.parametrize("bad", [None, 3, "x", [1], [{"file": 1}], [{"command": 3, "why": None}], {"a": 1}])
@pytest.mark.parametrize("key", ["records", "unattached", "status", "seconds"])
def test_a_hostile_run_json_breaks_nothing(key: str, bad: Any, run: Make, training: Make) -> None:
    a, b = _whole(run, training, "a"), _whole(run, training, "b")
    b.info[key] = bad
    compare(a, b)
    compare(b, a)


def test_a_record_that_could_not_be_made(run: Make, training: Make) -> None:
    a, b = (_whole(run, training, name) for name in "ab")
    b.unmade = ("main~child.db",)
    verdict = compare(a, b)
    assert verdict.verdict == "incomplete"
    assert "run b could not write the record main~child.db" in str(verdict.reason)


def test_one_failed_and_what_both_computed_agrees(run: Make, training: Make) -> None:
    a, b = (_whole(run, training, name) for name in "ab")
    b.info |= {"status": "failed", "exit_code": 5}
    verdict = compare(a, b)
    assert (verdict.verdict, verdict.exit_code) == ("failed", 5)
    assert verdict.reason == "run b failed with exit code 5, and run a did not; what both computed agrees"


def test_one_failed_and_nothing_was_computed_in_both(run: Make) -> None:
    a, b = (run([], name) for name in "ab")
    for each in (a, b):
        each.info["records"], each.sizes = [_LISTED], {"main.db": (100, 0)}
    b.info |= {"status": "failed", "exit_code": 5}
    verdict = compare(a, b)
    assert verdict.verdict == "failed"
    assert str(verdict.reason).endswith("and run a did not; nothing that both computed was observed")


def test_a_run_to_its_end(run: Make, training: Make) -> None:
    """Only such a run shows that it never did something."""
    whole = _whole(run, training, "a")
    assert to_its_end(whole)
    for status in ("stopped", UNCLOSED):
        cut = _whole(run, training, "a")
        cut.records["main"].status = status
        assert not to_its_end(cut)
    for status in ("failed", "timeout", "stopped", None):
        whole.info["status"] = status
        assert not to_its_end(whole)
