"""Where two runs diverge first, and what does not count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.compare.written import kept

from samebits.compare import Verdict, compare, compare_all
from samebits.compare.diverge import first_divergence, idle_places
from samebits.model.divergence import Divergence
from samebits.model.events import (
    OWN_GENERATOR,
    PARTIAL,
    RANDOM,
    READS_UNINITIALIZED,
    UNINITIALIZED,
    VIEW,
    Event,
)
from samebits.model.facts import Fact, Save
from samebits.model.sites import Site
from samebits.record.run import Run

Make = Callable[..., Any]
_shared = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)


def _op(name: str, step: int, line: int, digest: int = 1, **more: Any) -> Event:
    return Event(0, more.pop("kind", "op"), name, more.pop("phase", "forward"), step, more.pop("flags", 0),
                 digest, site=Site("train.py", line), **more)  # fmt: skip


def _first(run: Make, a: list[Event], b: list[Event], **more: Any) -> Divergence | None:
    return first_divergence(run(a, "a", **more), run(b, "b", **more))[0]


def _spoil(events: list[Event], at: int) -> list[Event]:
    """All that comes after an event depends on it, so it differs too."""
    return [
        event if index < at else replace(event, digest=event.digest ^ 1) for index, event in enumerate(events)
    ]


@_shared
@given(at=st.integers(0, 51), steps=st.integers(1, 4))
def test_a_planted_difference_is_found_where_it_is(at: int, steps: int, run: Make, training: Make) -> None:
    events = training(steps)
    assert _first(run, events, list(events)) is None
    at %= len(events)
    divergence = _first(run, events, _spoil(events, at))
    while events[at].kind == "generator":
        at += 1
    assert divergence is not None
    assert (divergence.change, divergence.event.index) == ("value", at)
    assert divergence.step == events[at].step


@_shared
@given(at=st.integers(0, 51), more=st.integers(1, 5))
def test_operations_that_one_run_has_alone_are_the_finding(
    at: int, more: int, run: Make, training: Make
) -> None:
    events = training(4)
    extra = [_op(f"aten::extra{number}", events[at].step, 90) for number in range(more)]
    extra[0] = replace(extra[0], flags=RANDOM)
    longer = events[:at] + extra + events[at:]
    divergence = _first(run, events, longer)
    assert divergence is not None
    assert divergence.change == "extra"
    assert divergence.b is not None
    assert divergence.b.index == at
    divergence = _first(run, longer, events)
    assert divergence is not None
    assert divergence.change == "missing"
    assert divergence.a is not None
    assert divergence.a.index == at


def test_a_replaced_operation(run: Make, training: Make) -> None:
    events = training(3)
    other = _spoil(events, 8)
    other[7:8] = [_op("aten::faster", 0, 17), _op("aten::fix", 0, 17)]
    divergence = _first(run, events, other)
    assert divergence is not None
    assert (divergence.change, divergence.a, divergence.b) == (
        "replaced",
        replace(events[7], index=7),
        replace(other[7], index=7),
    )


def test_a_run_that_goes_on(run: Make, training: Make) -> None:
    divergence = _first(run, training(3), training(5))
    assert divergence is not None
    assert (divergence.change, divergence.step, divergence.a) == ("end", 3, None)


def test_states_of_generators_and_unread_values_are_no_difference(run: Make, training: Make) -> None:
    events = training(3)
    other = [replace(e, digest=7) if e.kind == "generator" else e for e in events]
    other = [
        replace(e, digest=0, flags=PARTIAL) if e.kind == "parameter" and e.step == 1 else e for e in other
    ]
    assert _first(run, events, other) is None
    assert _first(run, [replace(e, flags=READS_UNINITIALIZED) for e in events], other) is None


def test_an_output_that_nothing_reads_does_not_count(run: Make, training: Make) -> None:
    events = training(3)
    other = list(events)
    other[5] = replace(other[5], digest=99)
    divergence, notes = first_divergence(run(events, "a"), run(other, "b"))
    assert divergence is None
    assert "not counted" in notes[0]


def test_the_last_operation_of_all(run: Make, training: Make) -> None:
    for name, saved, counts in (
        ("aten::index_put", False, True),
        ("aten::mkldnn_rnn_layer", True, False),
        ("aten::mul", True, True),
        ("aten::mul", False, False),
    ):
        a = [*training(2), _op(name, 2, 50, 1)]
        b = [*training(2), _op(name, 2, 50, 2)]
        facts = [Fact(Save(call="torch.save"), None, len(a) + 1, 2)] if saved else []
        assert (_first(run, a, b, facts=facts) is not None) is counts, (name, saved)


def test_a_difference_that_spreads_to_the_end_counts(run: Make) -> None:
    a = [_op("aten::sum", 0, 1), _op("aten::mul", 0, 2)]
    b = [replace(event, digest=2) for event in a]
    divergence = _first(run, a, b)
    assert divergence is not None
    assert divergence.event.index == 0


def test_a_log_line_on_a_clock_is_no_difference(run: Make, training: Make) -> None:
    log = [_op("aten::_local_scalar_dense", 1, 60), _op("item", 1, 60, kind="read")]
    snapshot = [_op("aten::detach", 2, 61, flags=VIEW), _op("aten::clone", 2, 61)]
    events = training(4)
    assert _first(run, events[:20] + log + events[20:], events[:36] + snapshot + events[36:]) is None


def test_the_seed_of_workers_is_no_difference_by_itself(run: Make, training: Make) -> None:
    def seeded(digest: int) -> list[Event]:
        draw = [
            _op("aten::random_", 0, 11, digest, flags=RANDOM),
            _op("aten::_local_scalar_dense", 0, 11, digest),
            _op("item", 0, 11, digest, kind="read"),
        ]
        return draw + training(2)

    assert _first(run, seeded(1), seeded(2)) is None
    spoilt = seeded(2)[:3] + [replace(e, digest=5) if e.kind == "batch" else e for e in seeded(2)[3:]]
    divergence = _first(run, seeded(1), spoilt)
    assert divergence is not None
    assert divergence.event.name == "aten::random_"


def test_weights_that_were_drawn_and_loaded_over(run: Make, training: Make) -> None:
    a = [_op("aten::uniform_", 0, 3, 1, flags=RANDOM), *training(6)]
    b = [_op("aten::uniform_", 0, 3, 2, flags=RANDOM), *training(6)]
    assert _first(run, a, b) is None
    divergence = _first(run, a, [b[0], *_spoil(b, 50)[1:]])
    assert divergence is not None
    assert divergence.event.index == 50


def test_an_auxiliary_output_is_passed_over(run: Make, training: Make) -> None:
    def with_lstm(digest: Callable[[int], int]) -> list[Event]:
        events: list[Event] = []
        for event in training(5, ops=60):
            events.append(event)
            if event.kind == "batch":
                events.append(_op("aten::mkldnn_rnn_layer", event.step, 5, digest(event.step)))
        return events

    a, b = with_lstm(lambda step: step), with_lstm(lambda step: step + 100)
    assert _first(run, a, b) is None
    at = next(e for e in range(len(b)) if b[e].step == 3 and b[e].name == "aten::op4")
    divergence = _first(run, a, _spoil(b, at))
    assert divergence is not None
    assert divergence.event.name == "aten::op4"


def test_threads_and_workers_decide_nothing(record: Make, run_of: Make, training: Make) -> None:
    def made(name: str, digests: list[int], steps: int) -> Any:
        other = [_op("aten::sum", 0, 70, digest) for digest in digests]
        worker = record({0: [_op("aten::rand", 0, 80, digests[0])]}, process="main/Process-1")
        return run_of(name, record({0: training(steps), 3: other}), worker)

    assert first_divergence(made("a", [1, 2, 3], 2), made("b", [3, 1, 2], 2))[0] is None
    divergence = first_divergence(made("a", [1], 2), made("b", [1], 3))[0]
    assert divergence is not None


def test_threads_that_train_are_compared_by_what_they_did(record: Make, run_of: Make, training: Make) -> None:
    one, two = training(2), _spoil(training(2), 0)
    a = run_of("a", record({0: training(1), 1: one, 2: two}))
    assert first_divergence(a, run_of("b", record({0: training(1), 1: two, 2: one})))[0] is None
    assert first_divergence(a, run_of("b", record({0: training(1), 1: two, 2: two})))[0] is not None


def test_the_rank_that_parts_before_the_collective_is_first(record: Make, run_of: Make) -> None:
    def rank(number: int, local: int, reduced: int) -> Any:
        events = [
            _op("aten::mm", 0, 10, 1),
            _op("aten::index_put", 0, 11, local, phase="backward"),
            _op("c10d::allreduce_", 0, 12, 0, kind="collective"),
            _op("w", 0, 13, reduced, kind="gradient"),
        ]
        return record({0: events}, process=f"rank{number}", rank=number)

    a = run_of("a", rank(0, 1, 1), rank(1, 1, 1))
    b = run_of("b", rank(0, 1, 2), rank(1, 2, 2))
    divergence = first_divergence(a, b)[0]
    assert divergence is not None
    assert (divergence.rank, divergence.event.name) == (1, "aten::index_put")


def test_a_record_that_was_cut_short_is_compared_as_far_as_it_goes(run: Make, training: Make) -> None:
    verdict = compare(run(training(4), "a"), run(training(3), "b", status="running"))
    assert verdict.verdict == "incomplete"
    assert verdict.reason == "agrees up to step 3; in run b, main was recorded up to step 3 only: running"


@pytest.mark.parametrize("length", [1, 300, 6000])
def test_long_extra_stretches_rejoin(length: int, run: Make, training: Make) -> None:
    events = training(3)
    extra = [_op(f"aten::evaluate{n}", 1, 95, flags=RANDOM) for n in range(length)]
    divergence = _first(run, events, events[:20] + extra + events[20:])
    assert divergence is not None
    assert divergence.event.index == 20
    assert divergence.change == ("extra" if length < 4000 else "replaced")


def test_a_result_among_operations_in_another_order_is_no_difference(tmp_path: Path) -> None:
    """A loader unpacks what its workers send as it comes: how much before a batch is a matter of time."""
    unpack = [("op", "aten::empty", 5, UNINITIALIZED), ("op", "aten::set_", 5, VIEW)]
    batches = [("batch", "batch", number) for number in (1, 2, 3)]
    early = [*unpack, *unpack, batches[0], *unpack, batches[1], batches[2]]
    late = [*unpack, batches[0], *unpack, *unpack, batches[1], batches[2]]
    assert _verdict(tmp_path, early, late).verdict == "same"
    other = [*late[:-1], ("batch", "batch", 4)]
    assert _verdict(tmp_path / "other", early, other).verdict == "diverged"
    assert _verdict(tmp_path / "fewer", early, late[:-1]).verdict == "diverged"


def test_a_draw_that_one_run_has_alone_is_idle_from_a_generator_of_its_own(tmp_path: Path) -> None:
    """A cache is made in one run and loaded in the other."""
    made = [("op", "aten::randn", 5, RANDOM | OWN_GENERATOR), ("read", "Tensor.pickle", 5)]
    rest = [("op", "aten::mm", 7), ("loss", "loss", 8), ("read", "Tensor.item", 9)]
    loaded = [("op", "aten::empty", 6, UNINITIALIZED), ("op", "aten::set_", 6, VIEW)]
    assert _verdict(tmp_path, [*made, *rest], [*loaded, *rest]).verdict == "same"
    global_draw = [("op", "aten::randn", 5, RANDOM), *made[1:]]
    assert _verdict(tmp_path / "global", [*global_draw, *rest], [*loaded, *rest]).verdict == "diverged"
    other = [*rest[:-1], ("read", "Tensor.item", 10)]
    assert _verdict(tmp_path / "read", [*made, *rest], [*loaded, *other]).verdict == "diverged"


@pytest.mark.parametrize(
    ("state", "said"),
    [(4, "same"), (5, "diverged"), (None, "diverged")],  # put back, not put back, and never looked at
)
def test_a_draw_that_one_run_has_alone_is_idle_where_the_generator_is_put_back(
    tmp_path: Path, state: int | None, said: str
) -> None:
    """A sample is drawn under `fork_rng` for a log that a clock decides of."""
    sampled = [("op", "aten::randn", 5, RANDOM), ("op", "aten::mean", 6), ("read", "Tensor.item", 7)]
    rest: list[Any] = [("op", "aten::mm", 7), ("loss", "loss", 8)]
    after, other = list(rest), list(rest)
    if state is not None:
        after += [("generator", "torch:cpu", 4), ("generator", "python", 1)]
        other += [("generator", "torch:cpu", state), ("generator", "python", 2)]
    assert _verdict(tmp_path, [*rest, *sampled, *after], [*rest, *other]).verdict == said


def test_an_evaluation_that_one_run_has_alone_is_idle_where_nothing_comes_of_it(tmp_path: Path) -> None:
    evaluated = [
        ("op", "aten::mean", 6),
        ("batch", "batch[0]", 5),
        ("op", "aten::mm", 6),
        ("read", "Tensor.item", 7),
    ]
    rest: list[Any] = [("batch", "batch[0]", 1), ("op", "aten::mm", 7), ("loss", "loss", 8)]
    assert _verdict(tmp_path / "idle", [*evaluated, *rest], rest).verdict == "same"
    other = [("batch", "batch[0]", 2), *rest[1:]]
    assert _verdict(tmp_path / "other", [*evaluated, *rest], other).verdict == "diverged"


def test_a_parameter_may_be_named_after_its_model_where_there_is_another(tmp_path: Path) -> None:
    """`copy.deepcopy(model)` to look at the weights of the run before: two models of one class."""
    copied = [("op", "aten::clone", 6), ("op", "aten::mm", 6), ("read", "Tensor.item", 7)]

    def run(name: str) -> list[Any]:
        return [("op", "aten::mm", 7), ("loss", "loss", 8), ("gradient", name, 9), ("op", "aten::add", 1)] * 3

    assert _verdict(tmp_path / "a", [*copied, *run("Net.weight")], run("weight")).verdict == "same"
    assert _verdict(tmp_path / "b", [*copied, *run("bias")], run("weight")).verdict == "diverged"


def test_a_log_may_come_at_other_steps_but_not_with_other_values(tmp_path: Path) -> None:
    def run(*logged: int, value: int = 7, step: int = -1) -> list[list[Any]]:
        steps = []
        for number in range(4):
            train: list[Any] = [
                ("op", "aten::mm", number),
                ("loss", "loss", number),
                ("generator", "torch:cpu", 4),
            ]
            digest = value if number == step else 7
            sampled = [
                ("op", "aten::randn", 5, RANDOM),
                ("op", "aten::neg", 3),
                ("read", "Tensor.item", digest + number),
            ]
            steps.append([*train, *(sampled if number in logged else ()), ("op", "aten::add", number)])
        return steps

    assert _verdict(tmp_path / "other", run(0, 1), run(0, 3)).verdict == "same"
    assert _verdict(tmp_path / "value", run(0, 1), run(0, 3, value=9, step=0)).verdict == "diverged"


def _verdict(folder: Path, a: list[Any], b: list[Any]) -> Verdict:
    """Of two runs of one step, or of several."""
    runs = []
    for name, events in (("a", a), ("b", b)):
        (folder / name).mkdir(parents=True)
        steps = events if isinstance(events[0], list) else [events]
        runs.append(Run.open(kept(folder / name, steps, level="op")))
    return compare_all(runs)


def test_what_differed_without_effect_before_is_no_first_difference(run: Make, training: Make) -> None:
    drawn = _op("aten::uniform_", 0, 5, flags=RANDOM)
    seed = _op("aten::random_", 0, 6, flags=RANDOM), _op("Tensor.item", 0, 6, kind="read")
    events = [drawn, *seed, *training(3)]
    other = [*(replace(event, digest=2) for event in (drawn, *seed)), *training(3)]
    pair = run(events, "a"), run(other, "b")
    assert compare(*pair).verdict == "same"
    idle = idle_places(*pair)
    assert idle == {(event.name, event.site) for event in (drawn, *seed)}
    changed = run([*(replace(event, digest=3) for event in (drawn, *seed)), *_spoil(training(3), 4)], "c")
    whole, passed_over = compare(pair[0], changed), compare(pair[0], changed, idle)
    assert (whole.verdict, passed_over.verdict) == ("diverged", "diverged")
    assert whole.first is not None
    assert whole.first.op == "aten::uniform_"
    assert passed_over.first is not None
    assert passed_over.first.op == training(3)[4].name
