"""Two records that were not observed alike are compared by what both observed, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compare.conftest import FakeRecord, FakeRun

from samebits.compare import compare
from samebits.compare.shared import repeat
from samebits.model.events import GRAD_ROOT, Event
from samebits.model.sites import Site

Make = Callable[..., Any]
_STEP = ("batch", "loss", "gradient", "parameter")
_NAMES = [f"layer{n}.weight" for n in range(20)]
_STEPS = 24


def _stride(schedule: Sequence[tuple[int, int]], step: int) -> int:
    return next((stride for since, stride in reversed(schedule) if since <= step), 1)


def _read(
    schedule: Sequence[tuple[int, int]], changed: tuple[str, int] | None = None, together: bool = False
) -> list[Event]:
    """A program's events as they are read by a schedule, the last reading whole.

    ``changed``: a parameter that has other bits from a step on.
    ``together``: all gradients are read at each step that the stride divides.
    """
    events: list[Event] = []

    def add(kind: str, name: str, step: int) -> None:
        digest = hash((kind, name, step)) & 0xFFFFFFFF
        if kind == "parameter" and changed is not None and name == changed[0] and step >= changed[1]:
            digest ^= 1
        events.append(Event(0, kind, name, "other", step, 0, digest, site=Site("train.py", 9)))

    for step in range(_STEPS):
        stride = _stride(schedule, step)
        add("batch", "batch", step)
        add("loss", "loss", step)
        for kind in ("gradient", "parameter"):
            all_read = together and kind == "gradient" and step % stride == 0
            for name in _NAMES if all_read else _NAMES[step % stride :: stride]:
                add(kind, name, step)
    for name in _NAMES:
        add("parameter", name, _STEPS)
    return events


def _run(
    name: str,
    schedule: Sequence[tuple[int, int]],
    changed: tuple[str, int] | None = None,
    together: bool = False,
) -> FakeRun:
    rows = [list(pair) for pair in schedule]
    plan = {"level": "step"}
    notes: dict[str, Any] = {"observer": "native", "vocabulary": 1, "schedule": rows}
    notes |= {"gradients_together": True} if together else {}
    record = FakeRecord({0: _read(schedule, changed, together)}, plan=plan, notes=notes)
    record.steps = _STEPS
    return FakeRun(name, {"main": record})


def _schedules(strides: st.SearchStrategy[int]) -> st.SearchStrategy[list[tuple[int, int]]]:
    return st.tuples(strides, strides).map(lambda pair: [(4, pair[0]), (16, pair[1])])


_POWERS = st.sampled_from([1, 2, 4, 8, 16, 32])


@given(_schedules(_POWERS), _schedules(_POWERS), st.booleans(), st.booleans())
def test_records_before_gradients_were_read_together_and_since(
    a: list[tuple[int, int]], b: list[tuple[int, int]], first: bool, second: bool
) -> None:
    assert compare(_run("a", a, together=first), _run("b", b, together=second)).verdict == "same"


@given(_schedules(_POWERS), _schedules(_POWERS))
def test_two_schedules_of_one_program_are_the_same(
    a: list[tuple[int, int]], b: list[tuple[int, int]]
) -> None:
    verdict = compare(_run("a", a), _run("b", b))
    assert verdict.verdict == "same"
    # What the coarser of the two read at each step, and everything at the end.
    read = [len(_NAMES[s % n :: n]) for s in range(_STEPS) if (n := max(_stride(a, s), _stride(b, s)))]
    assert verdict.events == 2 * _STEPS + 2 * sum(read) + len(_NAMES)


@given(_schedules(_POWERS), _schedules(_POWERS), st.sampled_from(_NAMES), st.integers(0, _STEPS - 1))
def test_a_parameter_that_differs_is_found(
    a: list[tuple[int, int]], b: list[tuple[int, int]], name: str, step: int
) -> None:
    verdict = compare(_run("a", a), _run("b", b, (name, step)))
    assert verdict.verdict == "diverged"
    assert verdict.first is not None
    assert verdict.first.op == f"parameter {name}"
    both = [
        s for s in range(step, _STEPS) if name in _NAMES[s % (n := max(_stride(a, s), _stride(b, s))) :: n]
    ]
    assert verdict.first.step == min([*both, _STEPS])


@given(_schedules(st.integers(1, 40)), _schedules(st.integers(1, 40)))
def test_strides_that_do_not_divide_each_other(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> None:
    assert compare(_run("a", a), _run("b", b)).verdict == "same"


@given(_schedules(_POWERS), _schedules(_POWERS))
def test_records_that_do_not_say_what_they_read(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> None:
    """As those of a process that was killed before it noted its schedule, in an older version."""
    runs = [_run("a", a), _run("b", b)]
    for run in runs:
        del run.records["main"].notes["schedule"]
    assert compare(*runs).verdict == "same"
    assert "may not have read the same gradients" in compare(*runs).compared


def test_a_gradient_that_is_missing_in_the_finer_record_counts() -> None:
    a, b = _run("a", [(4, 4)]), _run("b", [(4, 2)])
    events = [
        e for e in _read([(4, 2)]) if not (e.kind == "gradient" and e.step == 8 and e.name == _NAMES[0])
    ]
    record = b.records["main"]
    b.records["main"] = FakeRecord({0: events}, plan=record.plan, notes=record.notes)
    b.records["main"].steps = _STEPS
    verdict = compare(a, b)
    assert verdict.verdict == "diverged"
    assert verdict.first is not None
    assert (verdict.first.op, verdict.first.change) == (f"gradient {_NAMES[0]}", "missing")


def _ended(name: str, count: int, changed: tuple[str, int] | None = None) -> FakeRun:
    """A run of which the last reading holds the first ``count`` parameters."""
    events = [e for e in _read([(4, 2)], changed) if e.step < _STEPS or e.name in _NAMES[:count]]
    made = _run(name, [(4, 2)])
    whole = made.records["main"]
    made.records["main"] = FakeRecord({0: events}, plan=whole.plan, notes=whole.notes)
    made.records["main"].steps = _STEPS
    return made


@pytest.mark.parametrize("counts", [(0, 20), (20, 0), (7, 20), (0, 0), (20, 20)])
def test_a_last_reading_that_one_process_did_not_come_to(counts: tuple[int, int]) -> None:
    """A worker of a pool that was told in time that there is no more work, and one that was ended first."""
    verdict = compare(_ended("a", counts[0]), _ended("b", counts[1]))
    assert verdict.verdict == "same"
    assert verdict.events == compare(_ended("a", 0), _ended("b", 0)).events + min(counts)


@pytest.mark.parametrize(("name", "verdict"), [(_NAMES[3], "diverged"), (_NAMES[9], "same")])
def test_what_both_read_at_their_ends_counts(name: str, verdict: str) -> None:
    a, b = _ended("a", 7), _ended("b", 20, (name, _STEPS))
    assert compare(a, b).verdict == verdict


def _threaded(
    name: str, order: Sequence[int], stride: int = 1, changed: tuple[str, int, int] | None = None
) -> FakeRun:
    """Threads that train at once; ``order`` is which of them takes each step of the process.

    The first thread (0) follows a schedule by its own steps, the others read everything.
    ``changed``: a kind of event that has other bits in a thread from one of its own steps on.
    """
    events: dict[int, list[Event]] = {}
    taken = dict.fromkeys(order, 0)
    for step, thread in enumerate(order):
        own, taken[thread] = taken[thread], taken[thread] + 1
        at = stride if own >= 4 and thread == 0 else 1
        rows = [("loss", "loss"), *(("gradient", n) for n in _NAMES[own % at :: at])]
        rows += [("parameter", n) for n in _NAMES[own % at :: at]]
        for kind, what in rows:
            digest = hash((kind, what, thread, own)) & 0xFFFFFFFF
            digest ^= changed is not None and (kind, thread) == changed[:2] and own >= changed[2]
            row = Event(0, kind, what, "other", step, 0, digest, site=Site("train.py", 9))
            events.setdefault(thread, []).append(row)
    notes = {"observer": "native", "vocabulary": 2, "schedule": [[4, stride]]}
    record = FakeRecord(events, plan={"level": "step"}, notes=notes)
    record.steps = len(order)
    return FakeRun(name, {"main": record})


_ORDERS = st.permutations([0] * 8 + [1] * 8 + [2] * 8)


@given(_ORDERS, _ORDERS, _POWERS)
def test_threads_that_train_at_once_in_any_order(a: list[int], b: list[int], stride: int) -> None:
    verdict = compare(_threaded("a", a, stride), _threaded("b", b, stride))
    assert verdict.verdict == "same"
    read = sum(len(_NAMES[own % n :: n]) for own in range(8) if (n := stride if own >= 4 else 1))
    assert verdict.events == 24 + 2 * (2 * 8 * len(_NAMES) + read)


@given(_ORDERS, _ORDERS, _POWERS, _POWERS)
def test_threads_and_two_schedules(a: list[int], b: list[int], stride: int, other: int) -> None:
    assert compare(_threaded("a", a, stride), _threaded("b", b, other)).verdict == "same"


@given(_ORDERS, _ORDERS, _POWERS, _POWERS, st.integers(1, 2), st.integers(0, 7))
def test_a_thread_that_differs_is_found(
    a: list[int], b: list[int], stride: int, other: int, thread: int, since: int
) -> None:
    """In every loss, gradient and parameter, whatever the schedule of the first thread."""
    for kind in ("loss", "gradient", "parameter"):
        changed = _threaded("b", b, other, (kind, thread, since))
        assert compare(_threaded("a", a, stride), changed).verdict == "diverged"


def _leveled(run: Make, events: Sequence[Event], name: str, level: str, **notes: Any) -> FakeRun:
    notes = {"observer": "native", "vocabulary": 1, "schedule": []} | notes
    return run(events, name, plan={"level": level}, notes=notes)  # type: ignore[no-any-return]


def test_two_levels_share_the_results(run: Make, training: Make) -> None:
    fine = training(4)
    coarse = [event for event in fine if event.kind != "op"]
    for a, b in ((fine, coarse), (coarse, fine)):
        levels = ("op", "step") if a is fine else ("step", "op")
        verdict = compare(_leveled(run, a, "a", levels[0]), _leveled(run, b, "b", levels[1]))
        assert verdict.verdict == "same"
        assert (verdict.steps, verdict.operations, verdict.events) == (4, 0, 16)
        assert "compared are the results that both hold, and no single operations" in verdict.compared
        assert ("per operation, the other per step" in verdict.compared) == (a is fine)


def test_two_levels_that_differ_in_a_result(run: Make, training: Make) -> None:
    fine = training(4)
    at = next(n for n, event in enumerate(fine) if event.kind == "loss" and event.step == 2)
    other = [replace(event, digest=event.digest ^ (n >= at)) for n, event in enumerate(fine)]
    coarse = [event for event in other if event.kind != "op"]
    verdict = compare(_leveled(run, fine, "a", "op"), _leveled(run, coarse, "b", "step"))
    assert verdict.verdict == "diverged"
    assert verdict.first is not None
    assert (verdict.first.op, verdict.first.step, verdict.first.change) == ("loss", 2, "value")


def test_operations_of_two_observers_are_not_compared(run: Make, training: Make) -> None:
    events = training(3)
    other = [replace(e, name="aten::other", digest=1) if e.kind == "op" else e for e in events]
    verdict = compare(_leveled(run, events, "a", "op"), _leveled(run, other, "b", "op", observer="python"))
    assert (verdict.verdict, verdict.operations) == ("same", 0)
    assert "by the native observer, the other by the observer in Python" in verdict.compared


def test_another_vocabulary(run: Make, training: Make) -> None:
    events = training(3)
    other = [event for event in events if event.kind != "read"]
    verdict = compare(_leveled(run, events, "a", "op"), _leveled(run, other, "b", "op", vocabulary=2))
    assert (verdict.verdict, verdict.operations) == ("same", 0)
    assert "versions of samebits" in verdict.compared


def test_what_was_first_observed_by_a_later_version(run: Make, training: Make) -> None:
    events = training(3)
    root = replace(events[0], kind="loss", name=GRAD_ROOT, step=0)
    a, b = (
        _leveled(run, found, name, "op", vocabulary=number)
        for found, name, number in ((events, "a", 1), ([root, *events], "b", 2))
    )
    assert (compare(a, b).verdict, compare(b, a).verdict) == ("same", "same")


def test_nothing_in_common_says_how_to_record_it(run: Make, training: Make) -> None:
    fine = [event for event in training(2) if event.kind == "op"]
    coarse = [event for event in training(2) if event.kind == "read"]
    a, b = _leveled(run, fine, "a", "op"), _leveled(run, coarse, "b", "step")
    a.info |= {"argv": ["train.py", "--epochs", "1"], "kind": "script"}
    verdict = compare(a, b)
    assert (verdict.verdict, verdict.exit_status, verdict.events) == ("incomplete", 2, 0)
    assert verdict.reason == (
        "nothing could be compared. The first was recorded per operation, the other per step, and they "
        "share no result. Record both alike, for example with: samebits record --level op train.py --epochs "
        "1"
    )


@pytest.mark.parametrize(
    ("info", "words"),
    [
        (
            {"kind": "module", "argv": ["package.train", "-v"]},
            "samebits record --level op -m package.train -v",
        ),
        ({"kind": "command", "argv": ["torchrun", "t.py"]}, "samebits record --level op -- torchrun t.py"),
        ({"kind": "script", "argv": ["a b.py"]}, "samebits record --level op 'a b.py'"),
        ({"argv": 3}, "samebits record --level op SCRIPT"),
    ],
)
def test_the_command_that_records_a_run(info: dict[str, Any], words: str) -> None:
    assert repeat(info, "op") == words


@pytest.mark.parametrize("schedule", [3, "x", [[1]], [[1, "2"]], [[-1, 4]], {"main": 1}, [[4, 0]], None])
def test_a_schedule_that_is_none_does_no_harm(run: Make, training: Make, schedule: Any) -> None:
    events = [event for event in training(3) if event.kind != "op"]
    a = _leveled(run, events, "a", "step", schedule=schedule)
    assert compare(a, _leveled(run, events, "b", "step")).verdict == "same"


def _auto(name: str, until: int | None, *, salt: int = 0, parts: int = _STEPS) -> FakeRun:
    """A program at level "auto": an operation a step up to ``until``, results throughout."""
    events = []
    for step in range(_STEPS):
        other = salt if step >= parts else 0
        if until is None or step < until:
            events.append(Event(0, "op", "aten::mul", "forward", step, 0, step + other, site=Site("t.py", 3)))
        events.append(Event(0, "loss", "loss", "forward", step, 0, 100 + step + other, site=Site("t.py", 4)))
    notes = {"observer": "native", "vocabulary": 2, "schedule": [], "gradients_together": True}
    plan = {"level": "auto"}
    record = FakeRecord({0: events}, plan=plan, notes=notes | {"operations_until": until})
    record.steps = _STEPS
    return FakeRun(name, {"main": record})


@pytest.mark.parametrize("until", [None, 5])
def test_openings_that_ended_alike_are_compared_by_operations(until: int | None) -> None:
    verdict = compare(_auto("a", until), _auto("b", until))
    assert (verdict.verdict, verdict.operations) == ("same", until or _STEPS)
    assert ("up to step 5, and from there on per step" in verdict.compared) is (until == 5)
    verdict = compare(_auto("a", until), _auto("b", until, salt=9, parts=3))
    assert verdict.first is not None
    assert (verdict.first.op, verdict.first.step) == ("aten::mul", 3)
    verdict = compare(_auto("a", until), _auto("b", until, salt=9, parts=7))
    assert verdict.first is not None
    assert (verdict.first.op, verdict.first.step) == ("aten::mul" if until is None else "loss", 7)


@pytest.mark.parametrize("other", [None, 6])
def test_openings_that_ended_apart_are_compared_by_results(other: int | None) -> None:
    verdict = compare(_auto("a", 5), _auto("b", other))
    assert (verdict.verdict, verdict.operations, verdict.events) == ("same", 0, _STEPS)
    assert "recorded per operation up to step 5, the other per operation" in verdict.compared


def test_an_opening_that_ended_in_its_first_step_is_no_record_per_step() -> None:
    opened, per_step = _auto("a", 1), _auto("b", 0)
    opened.records["main"].notes["operations_until"] = 0
    del per_step.records["main"].notes["operations_until"]
    assert compare(opened, per_step).verdict == "same"
    assert compare(per_step, opened).verdict == "same"


def test_a_process_without_an_opening_was_recorded_per_step() -> None:
    runs = [_auto("a", 0), _auto("b", 0)]
    for run in runs:
        del run.records["main"].notes["operations_until"]
    assert compare(*runs).verdict == "same"
    assert "Observed per step" in compare(*runs).compared


@pytest.mark.parametrize("hostile", [True, "x", -3, [1]])
def test_a_hostile_end_of_an_opening_is_none(hostile: object) -> None:
    runs = [_auto("a", 0), _auto("b", 0)]
    for run in runs:
        run.records["main"].notes["operations_until"] = hostile
    assert compare(*runs).verdict == "same"
