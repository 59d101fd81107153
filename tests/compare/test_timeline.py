"""What two records say over their whole length: planted differences, and what must not look like one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from samebits.compare.timeline import BEFORE, LAYERS, UNSEEN, Stretch, Timeline, timeline
from samebits.model.events import OWN_GENERATOR, PARTIAL, RANDOM
from samebits.model.facts import Draw
from samebits.record.reader import Record

from .written import Told, opened

Over = Callable[..., Timeline]


@pytest.fixture
def over(tmp_path: Path) -> Iterator[Over]:
    """The timeline of two records of these steps."""
    held: list[Record] = []

    def make(a: Any, b: Any, *, environment: bool = False, **more: Any) -> Timeline:
        folder = tmp_path / str(len(held))
        pair = opened(folder, a, b, **more)
        held.extend(pair)
        return timeline(*pair, environment=environment)

    yield make
    for record in held:
        record.close()


def training(steps: int, **salted: int) -> list[list[Told]]:
    """A small training; `salted`: from which step on the digests of a layer are others."""

    def digest(what: str, step: int) -> int:
        return len(what) * 1000 + 2 * step + (step >= salted.get(what, steps + 9))

    return [
        [
            ("op", "aten::rand", digest("operations", step), RANDOM),
            ("batch", "", digest("batch", step)),
            ("loss", "loss", digest("loss", step)),
            ("gradient", "net.w", digest("gradients", step)),
            ("parameter", "net.w", digest("parameters", step)),
            ("generator", "torch:cpu", digest("generator", step)),
        ]
        for step in range(steps)
    ]


def strip(found: Timeline) -> list[tuple[int, int, str | None]]:
    """With the layers' names; "": none differs."""
    names = {None: None, -1: ""} | dict(enumerate(LAYERS))
    return [(one.first, one.steps, names[one.layer]) for one in found.strip]


@pytest.mark.parametrize("level", ["step", "op"])
def test_equal_runs(over: Over, level: str) -> None:
    found = over(training(5), training(5), level=level)
    assert strip(found) == [(0, 5, "")]
    assert [(one.first, one.steps, one.loss, one.parameters) for one in found.weights] == [(0, 5, True, True)]
    assert found.weights[0].a == found.weights[0].b is not None
    assert found.modules.rows == {"gradient": ((0.0,) * 5,), "parameter": ((0.0,) * 5,)}
    assert [one.same for one in found.generators] == [(True,) * 5]


@pytest.mark.parametrize("layer", ["batch", "generator", "loss", "gradients", "operations"])
def test_the_layer_that_differs_first(over: Over, layer: str) -> None:
    assert strip(over(training(6), training(6, **{layer: 4}), level="op")) == [(0, 4, ""), (4, 2, layer)]


def test_parameters_are_of_the_step_that_begins_with_them(over: Over) -> None:
    """Step 3 writes other parameters; step 4 is the first that begins with them."""
    found = over(training(6), training(6, parameters=3))
    assert strip(found) == [(0, 4, ""), (4, 2, "parameters")]
    assert [(one.first, one.steps, one.parameters) for one in found.weights] == [(0, 3, True), (3, 3, False)]


def test_the_layers_in_their_order(over: Over) -> None:
    """What comes earlier in a step wins; what differs later is not told again."""
    b = training(5, operations=0, gradients=1, loss=2, parameters=2, batch=4)
    assert strip(over(training(5), b, level="op")) == [
        (0, 1, "operations"), (1, 1, "gradients"), (2, 1, "loss"), (3, 1, "parameters"), (4, 1, "batch"),
    ]  # fmt: skip


def test_the_environment_comes_before_the_first_step(over: Over) -> None:
    found = over(training(2), training(2), environment=True)
    assert found.strip == (Stretch(BEFORE, 1, 0), Stretch(0, 2, -1))
    assert over([], [], environment=True).strip == (Stretch(BEFORE, 1, 0),)


def test_a_generator_that_nobody_draws_from(over: Over) -> None:
    """It may be unseeded: its state is another in each run, never moves, and is no difference."""

    def idle(seed: int) -> list[list[Told]]:
        return [[("loss", "loss", step), ("generator", "numpy", seed)] for step in range(4)]

    found = over(idle(1), idle(2))
    assert strip(found) == [(0, 4, "")]
    assert found.generators == ()


def test_a_generator_that_somebody_draws_from(over: Over) -> None:
    """By its state, which moves; or by a fact, though it is in the same state at both ends."""

    def drawn(seed: int, moves: int, loss: int = 0) -> list[list[Told]]:
        return [
            [("loss", "loss", step + loss), ("generator", "numpy", seed + moves * step)] for step in range(4)
        ]

    moving = over(drawn(10, 1), drawn(20, 1, loss=9))
    assert strip(moving) == [(0, 1, "loss"), (1, 3, "generator")]
    assert [(one.name, one.a, one.b, one.same) for one in moving.generators] == [
        ("numpy", (), (), (False,) * 4)
    ]
    told = over(drawn(10, 0), drawn(20, 0, loss=9), facts=([(1, Draw(generator="numpy", count=3))], []))
    assert strip(told) == [(0, 1, "loss"), (1, 3, "generator")]
    assert [(one.name, one.a, one.b) for one in told.generators] == [("numpy", (0, 3, 0, 0), (0,) * 4)]


def test_a_generator_that_does_no_harm(over: Over) -> None:
    """Unseeded, and drawn from for the name of a run: steps agree all the same.  One that parts later may."""

    def steps(states: list[int], last: int = 0) -> list[list[Told]]:
        return [
            [("loss", "loss", n + last * (n == 3)), ("generator", "python", s)] for n, s in enumerate(states)
        ]

    drawn = ([(0, Draw(generator="python"))], [(0, Draw(generator="python"))])
    assert strip(over(steps([1] * 4), steps([2] * 4), facts=drawn)) == [(0, 4, "")]
    assert strip(over(steps([1] * 4), steps([2] * 4, last=5), facts=drawn)) == [(0, 3, ""), (3, 1, "loss")]
    parted = over(steps([1, 2, 3, 4]), steps([1, 9, 8, 7], last=5))
    assert strip(parted) == [(0, 1, ""), (1, 3, "generator")]


def test_draws_of_operations_are_counted(over: Over) -> None:
    steps = [[("op", "aten::rand", 1, RANDOM), ("op", "aten::rand", 2, RANDOM | OWN_GENERATOR)],
             [("op", "aten::rand", 1, RANDOM)] * 2, [("op", "aten::add", 5)]]  # fmt: skip
    found = over(steps, [*steps[:2], steps[0]], level="op")
    assert [(one.name, one.a, one.b) for one in found.generators] == [
        ("torch generators of its own", (1, 0, 0), (1, 0, 1)),
        ("torch:cpu", (1, 2, 0), (1, 2, 1)),
    ]


def test_records_of_two_levels_differ_in_nothing_that_one_alone_observed(over: Over) -> None:
    """The same run, once per step and once per operation: reads go by other names, operations are one's."""
    fine = [[("op", "aten::rand", 9, RANDOM), ("op", "aten::mm", 8), ("loss", "loss", step),
             ("read", "aten::_local_scalar_dense", step), ("read", "Tensor.tolist", 7)]
            for step in range(3)]  # fmt: skip
    coarse = [[("loss", "loss", step), ("read", "Tensor.item", step), ("read", "Tensor.tolist", 7)]
              for step in range(3)]  # fmt: skip
    found = over(coarse, fine, level=("step", "op"))
    assert strip(found) == [(0, 3, "")]
    assert [(one.name, one.a, one.b) for one in found.generators] == [("torch:cpu", (), (1, 1, 1))]


def test_equal_loss_with_different_weights(over: Over) -> None:
    """Dead weights, or a loss that does not see them: the stretch says so, with the digests of both."""
    found = over(training(4), training(4, parameters=1))
    assert [(one.first, one.steps, one.loss, one.parameters) for one in found.weights] == [
        (0, 1, True, True), (1, 3, True, False),
    ]  # fmt: skip
    assert found.weights[1].a != found.weights[1].b


def in_turn(steps: int, salted: int, stride: int = 2) -> list[list[Told]]:
    """Two parameters, read in turn; `salted`: the first is another from this step on."""
    rows = []
    for step in range(steps):
        one: Told = ("parameter", "one.w", (step >= salted) + 2 * step)
        two: Told = ("parameter", "two.w", 5 * step)
        unread = ("parameter", two[1] if step % stride == 0 else one[1], 0, PARTIAL)
        parameters = [one, unread] if step % stride == 0 else [unread, two]
        rows.append([("loss", "loss", step), *parameters])
    return rows


def test_parameters_that_are_read_in_turn(over: Over) -> None:
    """One differs from step 2 on and is read at every other step: between, nothing says that it agrees."""
    found = over(in_turn(8, 99), in_turn(8, 2))
    assert [(one.first, one.steps, one.parameters) for one in found.weights] == [(0, 2, True), (2, 6, False)]
    assert strip(found) == [(0, 3, ""), (3, 5, "parameters")]
    assert found.modules.names == ("one", "two")
    assert found.modules.rows["parameter"] == (
        (0.0, None, UNSEEN, None, UNSEEN, None, UNSEEN, None),
        (None, 0.0, None, 0.0, None, 0.0, None, 0.0),
    )


def test_parameters_that_agree_again(over: Over) -> None:
    b = in_turn(8, 2)
    b[4:] = in_turn(8, 99)[4:]
    found = over(in_turn(8, 99), b)
    assert [(one.first, one.steps, one.parameters) for one in found.weights] == [
        (0, 2, True), (2, 2, False), (4, 4, True),
    ]  # fmt: skip


def test_what_is_left_unread_is_no_agreement(over: Over) -> None:
    steps = [[("gradient", "w", 0, PARTIAL), ("parameter", "w", 0, PARTIAL)]] * 3
    found = over(steps, steps)
    assert strip(found) == [(0, 3, None)]
    assert (found.weights, found.modules.names) == ((), ())


def gradients(*norms: float, salt: int = 0) -> list[list[Told]]:
    return [[("gradient", "net.w", salt, 0, norm)] for norm in norms]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (4.0, 3.0, 0.25),
        (3.0, 4.0, 0.25),
        (1.0, 1.0, UNSEEN),
        (0.0, 0.0, UNSEEN),
        (0.0, 2.0, 1.0),
        (float("nan"), 1.0, 1.0),
        (float("nan"), float("nan"), UNSEEN),
        (float("inf"), 1.0, 1.0),
        (float("inf"), float("inf"), UNSEEN),
        (1e308, -1e308, UNSEEN),  # forged
    ],
)
def test_how_far_norms_lie_apart(over: Over, a: float, b: float, expected: float) -> None:
    found = over(gradients(a), gradients(b, salt=1))
    assert found.modules.rows["gradient"] == ((expected,),)


def test_equal_bits_are_zero_whatever_their_norms(over: Over) -> None:
    a = [[("gradient", "net.w", 1, 0, 5.0), ("loss", "loss", 1)]]
    b = [[("gradient", "net.w", 1, 0, 6.0), ("loss", "loss", 2)]]
    assert over(a, b).modules.rows["gradient"] == ((0.0,),)


def test_a_column_has_the_largest_of_its_steps_and_modules(over: Over) -> None:
    """480 steps in 240 columns of two; the module of two tensors has the larger."""
    a = [[("parameter", "net.w", 0, 0, 10.0), ("parameter", "net.b", 0, 0, 10.0)] for _ in range(480)]
    b = [list(row) for row in a]
    b[100] = [("parameter", "net.w", 1, 0, 9.0), ("parameter", "net.b", 0, 0, 10.0)]
    b[101] = [("parameter", "net.w", 1, 0, 9.5), ("parameter", "net.b", 1, 0, 5.0)]
    found = over(a, b)
    assert len(found.modules.columns) == 240
    assert found.modules.columns[50] == (100, 101)
    (row,) = found.modules.rows["parameter"]
    assert [(at, value) for at, value in enumerate(row) if value] == [(50, 0.5)]


def test_a_tensor_that_is_read_twice_in_a_step_is_compared_with_its_own_reading(over: Over) -> None:
    """Also tensors of one name: those of no module."""
    a = [[("gradient", "w", 1, 0, 1.0), ("gradient", "w", 2, 0, 2.0), ("loss", "loss", 1)]]
    b = [[("gradient", "w", 1, 0, 1.0), ("gradient", "w", 2, 0, 2.0), ("loss", "loss", 2)]]
    assert over(a, b).modules.rows["gradient"] == ((0.0,),)


def test_steps_that_one_alone_has(over: Over) -> None:
    """Nothing is said of them, and no difference is made of them."""
    found = over(training(3), training(9, loss=5))
    assert strip(found) == [(0, 3, "")]
    assert found.modules.columns[-1] == (2, 2)
    assert strip(over(training(3), {5: training(1)[0]})) == [(0, 1, None)]
    gap = {0: training(1)[0], 4: training(5)[4]}
    assert strip(over(gap, gap, finished=5)) == [(0, 2, ""), (2, 2, None), (4, 1, "")]


def test_the_last_reading_counts(over: Over) -> None:
    """A record ends with a reading of every parameter, after its last step."""
    a, b = training(2), training(2)
    a.append([("parameter", "net.w", 1)])
    b.append([("parameter", "net.w", 2)])
    found = over(a, b, finished=2)
    assert strip(found) == [(0, 2, ""), (2, 1, "parameters")]
    assert (found.weights[-1].first, found.weights[-1].loss, found.weights[-1].parameters) == (2, None, False)


def test_other_names(over: Over) -> None:
    """A model whose parameters have other names has none to compare; what has a name in both is compared."""
    a = [[("parameter", "old.w", 1), ("loss", "loss", 1)]]
    b = [[("parameter", "new.w", 2), ("loss", "loss", 1)]]
    found = over(a, b)
    assert strip(found) == [(0, 1, "")]
    assert found.weights[0].parameters is None
    assert found.modules.names == ()
    both = over([[*a[0], ("parameter", "x.w", 5)]], [[("parameter", "x.w", 6), *b[0]]])
    assert strip(both)[-1] == (0, 1, "")
    assert both.weights[0].parameters is False
    assert both.modules.names == ("x",)


def test_empty_records(over: Over) -> None:
    assert over([], []) == Timeline()
    assert strip(over([], training(3))) == []


def test_a_forged_step_far_away_costs_nothing(over: Over) -> None:
    """Two to the sixtieth steps are not counted one by one."""
    far = 1 << 60
    steps = {0: training(1)[0], far: [("loss", "loss", 1)]}
    assert strip(over(steps, steps, finished=far)) == [(0, 2, ""), (2, far - 2, None), (far, 1, "")]


def test_a_record_of_the_first_format() -> None:
    """It has no norms: bits that differ are seen, and how far is not known."""
    file = Path(__file__).parents[1] / "record" / "files" / "version-1.db"
    with Record.open(file) as a, Record.open(file) as b:
        found = timeline(a, b, environment=False)
    assert strip(found) == [(0, 2, "")]
    assert [(one.name, one.a, one.b) for one in found.generators] == [("torch:cpu", (1, 1), (1, 1))]
