"""What happens inside a scope leaves no trace outside, however it ends; and inside are streams of its own."""

from __future__ import annotations

import asyncio
import functools
import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from samebits.seeding import adapters, checksum, registry, scope, turn
from samebits.seeding.registry import register
from samebits.seeding.scope import isolated, preserved
from samebits.seeding.state import StateError, capture_rng, restore_rng

from .conftest import FakeModule
from .kinds import MAKE, draws, process_draws

pytestmark = pytest.mark.usefixtures("generators_restored", "clean")

scopes = pytest.mark.parametrize("make", [isolated, preserved, lambda **given: isolated(5, **given)])


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(registry, "_registered", {})
    yield
    assert not scope.Visit.stays.open
    assert turn.turn._depth == 0
    assert turn.turn._lock.acquire(timeout=5)
    turn.turn._lock.release()


def all_draws(own: dict[str, Any]) -> list[Any]:
    return [process_draws(), *map(draws, own.values())]


def failing(own: dict[str, Any], error: type[BaseException]) -> None:
    all_draws(own)
    raise error


def of_every_kind() -> dict[str, Any]:
    return {kind: make(7) for kind, make in MAKE.items()}


def stands(own: dict[str, Any]) -> Any:
    """Where everything stands, without moving it."""
    held = [*adapters.process_wide().values(), *map(adapters.adapter_of, own.values())]
    return [checksum.checksum(adapter.capture()) for adapter in held if adapter is not None]


@scopes
@pytest.mark.parametrize("given", [False, True])
def test_nothing_inside_moves_the_outside(make: Any, given: bool) -> None:
    """Of a program's own generators too, which no peer isolates."""
    own = of_every_kind()
    all_draws(own)
    before = stands(own)
    with make(generators=own) if given else make():
        all_draws(own)
        torch.manual_seed(1), np.random.seed(1), random.seed(1)
        all_draws(own)
    assert stands(own) == before


@scopes
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_nor_when_it_fails(make: Any, error: type[BaseException]) -> None:
    """Lightning's isolate_rng and ignite's keep_random_state leave the streams moved."""
    own = of_every_kind()
    before = stands(own)
    with pytest.raises(error), make():
        failing(own, error)
    assert stands(own) == before


def test_preserved_starts_where_the_outside_stands() -> None:
    own = of_every_kind()
    with preserved():
        inside = all_draws(own)
    assert all_draws(own) == inside


def test_isolated_streams_are_others_and_repeat_with_the_outside() -> None:
    own = of_every_kind()
    start = capture_rng(own=own)
    with isolated():
        first = all_draws(own)
    with isolated():
        assert all_draws(own) == first
    outside = all_draws(own)
    assert not any(a == b for a, b in zip(first[1:], outside[1:], strict=True))
    assert not any(a == b for a, b in zip(first[0], outside[0], strict=True))
    with isolated():
        assert all_draws(own) != first
    restore_rng(start, own=own)
    with isolated():
        assert all_draws(own) == first


def test_a_draw_of_one_generator_changes_no_other_stream_inside() -> None:
    one, two = random.Random(1), random.Random(2)
    with isolated():
        first = one.random()
    two.random()
    np.random.rand()
    with isolated():
        assert one.random() == first


def test_isolated_with_a_seed_is_always_the_same() -> None:
    own = of_every_kind()
    seen = []
    for seed in (5, 5, 6, 5 + 2**64):
        with isolated(seed):
            seen.append(all_draws(own))
        all_draws(own)
    assert seen[0] == seen[1]
    assert len({str(one) for one in seen}) == 3


def test_isolated_with_a_seed_gives_each_generator_its_own_stream() -> None:
    same = [random.Random(1), random.Random(1)]
    with isolated(5):
        assert same[0].random() != same[1].random() != random.random()
    unordered = {random.Random(1), random.Random(1)}
    with isolated(5):
        assert len({one.random() for one in unordered}) == 2


def test_known_answers() -> None:
    with isolated(11, generators={"noise": (noise := np.random.default_rng())}):
        assert [
            random.random(),
            float(np.random.rand()),
            float(torch.rand(())),
            float(noise.random()),
        ] == KNOWN


KNOWN = [0.15336220656089328, 0.8068301223827654, 0.4308093190193176, 0.25490778678666626]


def test_generators_created_inside_are_nobodys_business() -> None:
    with isolated():
        made = torch.Generator().manual_seed(3)
        first = draws(made)
    assert first == draws(torch.Generator().manual_seed(3))


def test_only_given_generators_besides_the_process_wide_and_registered() -> None:
    found, given_, known = random.Random(1), random.Random(1), random.Random(1)
    register("known", known)
    with isolated(generators=[given_]):
        found.random(), given_.random(), known.random()
    assert known.random() == given_.random() == random.Random(1).random()
    assert found.random() != random.Random(1).random()


def test_spawning_children_inside_leaves_the_count() -> None:
    rng = np.random.default_rng(1)
    for make in (isolated, preserved):
        with make():
            rng.spawn(3)
    assert rng.spawn(1)[0].random() == np.random.default_rng(1).spawn(1)[0].random()


def test_numpys_bit_generator_exchanged_inside() -> None:
    before, expected = np.random.get_bit_generator(), np.random.RandomState()
    expected.set_state(np.random.get_state(legacy=False))
    with isolated():
        np.random.set_bit_generator(np.random.PCG64(1))
        np.random.rand()
    assert np.random.get_bit_generator() is before
    assert np.random.rand() == expected.rand()


# Training


class Noisy(Dataset[Any]):
    def __init__(self) -> None:
        self.rng = np.random.default_rng(3)

    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> torch.Tensor:
        return torch.full((4,), index + self.rng.random() + random.random() + np.random.rand()).float()


def train(validate: Any, epochs: int = 3) -> bytes:
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    loader = DataLoader(Noisy(), 4, shuffle=True, generator=torch.Generator().manual_seed(2))
    implicit = DataLoader(Noisy(), 4, shuffle=True)
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    noise = random.Random(5)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for one in (loader, implicit):
            for batch in one:
                optimizer.zero_grad()
                (model(batch) * noise.random()).square().mean().backward()
                optimizer.step()
        validate(model, loader, noise)
    return b"".join(bytes(parameter.detach().numpy().data) for parameter in model.parameters())


def sample(model: nn.Module, loader: DataLoader[Any], noise: random.Random) -> None:
    """A validation that draws portable, and iterates the training's own loader."""
    for batch in loader:
        model(batch)
    process_draws(), noise.random(), next(iter(loader))
    torch.manual_seed(0), np.random.seed(0), random.seed(0)


def sample_and_fail(*given: Any) -> None:
    sample(*given)
    raise OSError


def test_validation_cannot_move_the_training() -> None:
    undisturbed = train(lambda *given: None)
    assert train(sample) != undisturbed

    def within(make: Any) -> Any:
        def validate(*given: Any) -> None:
            with make():
                sample(*given)

        return validate

    def fails(*given: Any) -> None:
        with pytest.raises(OSError), isolated():
            sample_and_fail(*given)

    for make in (isolated, preserved, lambda: isolated(seed=5)):
        assert train(within(make)) == undisturbed
        assert train(make()(sample)) == undisturbed
    assert train(fails) == undisturbed


# Nested, again, decorated


def test_nested() -> None:
    own = of_every_kind()
    before = stands(own)
    with isolated():
        first = all_draws(own)
        at = stands(own)
        with isolated():
            assert all_draws(own) != first
            with preserved():
                all_draws(own)
        assert stands(own) == at
    assert stands(own) == before


@scopes
def test_one_object_again_and_within_itself(make: Any) -> None:
    own = of_every_kind()
    before = stands(own)
    one = make()
    with one:
        all_draws(own)
        at = stands(own)
        with one:
            all_draws(own)
        assert stands(own) == at
    assert stands(own) == before
    with one:
        all_draws(own)
    assert stands(own) == before


@scopes
def test_as_a_decorator(make: Any) -> None:
    own = of_every_kind()
    before = stands(own)

    @make()
    def validate(depth: int, /, *, fails: bool = False) -> str:
        """Documented."""
        all_draws(own)
        if depth:
            validate(depth - 1)
        if fails:
            raise ValueError
        return "done"

    assert validate(2) == validate(0) == "done"
    with pytest.raises(ValueError):
        validate(1, fails=True)
    assert stands(own) == before
    assert (validate.__name__, validate.__doc__) == ("validate", "Documented.")


def test_a_decorator_enters_anew_each_call() -> None:
    drawn = isolated()(lambda: torch.rand(1).item())
    first = drawn()
    assert drawn() == first
    torch.rand(1)
    assert drawn() != first


def test_methods_can_be_decorated() -> None:
    class Trainer:
        def __init__(self) -> None:
            self.rng = random.Random(1)

        @isolated()
        def validate(self) -> float:
            return self.rng.random()

    trainer = Trainer()
    trainer.validate()
    assert trainer.rng.random() == random.Random(1).random()


def produces() -> Iterator[int]:
    yield 1


async def awaits() -> None: ...


async def streams() -> Any:
    yield 1


class Call:
    async def __call__(self) -> None: ...


@scopes
@pytest.mark.parametrize("function", [produces, awaits, streams, functools.partial(produces), Call()])
def test_what_runs_after_it_returned_is_refused(make: Any, function: Any) -> None:
    with pytest.raises(TypeError, match="runs after the call has returned, which is outside"):
        make()(function)


def test_misuse_is_refused() -> None:
    with pytest.raises(TypeError, match=r"write @isolated\(\) with parentheses"):

        @isolated
        def validate() -> None: ...

    with pytest.raises(TypeError, match="only functions can be decorated, got int"):
        isolated()(5)
    with pytest.raises(TypeError, match="a generator must be a torch"):
        isolated(generators=[5])
    with pytest.raises(TypeError, match="the seed must be an int"):
        isolated(1.5)
    with pytest.raises(ValueError, match=r"0 \.\. 2\*\*128 - 1, got -1"):
        isolated(-1)
    with pytest.raises(StateError, match="left without having been entered"):
        isolated().__exit__(None, None, None)


# Failures of the scope's own


class Failing:
    def __init__(self, what: str) -> None:
        self.what = what

    def __call__(self, *args: Any) -> Any:
        raise OSError(self.what)


def test_a_start_that_fails_puts_all_back(monkeypatch: pytest.MonkeyPatch) -> None:
    own = of_every_kind()
    before = stands(own)
    monkeypatch.setattr(adapters._NumpyBits, "start", Failing("no start"))
    with pytest.raises(StateError, match="isolated: a generator could not be started: no start"), isolated():
        raise AssertionError
    assert stands(own) == before


def test_one_that_cannot_be_put_back_is_named_and_the_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, three = random.Random(1), np.random.RandomState(1), torch.Generator()
    before = stands({"one": one, "three": three})
    made = adapters._NumpyLegacy.put_back

    def moves_and_fails(patch: pytest.MonkeyPatch) -> None:
        process_draws(), one.random(), draws(three)
        patch.setattr(
            adapters._NumpyLegacy,
            "put_back",
            lambda self, saved: Failing("gone")() if self._generator is two else made(self, saved),
        )
        raise KeyError("body")

    with monkeypatch.context() as patch:
        inside = isolated(generators={"one": one, "two": two, "three": three})
        with (
            pytest.raises(StateError, match="could not put back two: gone; the others were") as caught,
            inside,
        ):
            moves_and_fails(patch)
    assert isinstance(caught.value.__context__, KeyError)
    assert stands({"one": one, "three": three}) == before


def test_interleaved_coroutines_are_told_and_the_outside_is_put_back() -> None:
    before = stands({})

    async def inside(wait: asyncio.Event, signal: asyncio.Event) -> None:
        with isolated():
            process_draws()
            signal.set()
            await wait.wait()
            process_draws()

    async def both() -> list[Any]:
        entered, left = asyncio.Event(), asyncio.Event()

        async def first() -> None:
            try:
                await inside(entered, asyncio.Event())
            finally:
                left.set()

        return await asyncio.gather(first(), inside(left, entered), return_exceptions=True)

    told = asyncio.run(both())
    assert str(told[0]).startswith("isolated: left before isolated(), which was entered inside it")
    assert told[1] is None
    assert stands({}) == before


# Threads and forks


def test_another_thread_waits_until_the_first_has_left() -> None:
    entered, order = threading.Event(), []
    seen: list[Any] = []

    def second() -> None:
        entered.wait()
        seen.append(capture_rng(none=None)["process"]["torch:cpu"]["state"]["state"])
        with isolated(generators=()):
            order.append("second")

    thread = threading.Thread(target=second)
    outside = torch.get_rng_state()
    thread.start()
    with isolated(generators=()):
        torch.rand(3)
        entered.set()
        thread.join(timeout=0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert torch.equal(seen[0], outside)  # not the inside's


def test_many_threads_one_object() -> None:
    one, seen = isolated(generators=()), []
    before = stands({})

    def work() -> None:
        for _ in range(20):
            with one, one:
                seen.append(torch.rand(1).item())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stands({}) == before
    assert len(set(seen)) == 1
    assert len(seen) == 80


@pytest.mark.parametrize("call", ["isolated", "preserved", "capture_rng", "restore_rng"])
def test_a_deadlock_ends_in_an_error_that_names_the_thread(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "PATIENCE", 0.1)
    captured = capture_rng(none=None)
    calls: dict[str, Any] = {
        "isolated": lambda: isolated(generators=()).__enter__(),
        "preserved": preserved()(lambda: None),
        "capture_rng": capture_rng,
        "restore_rng": lambda: restore_rng(captured, none=None),
    }
    told: list[str] = []

    def second() -> None:
        with pytest.raises(StateError) as caught:
            calls[call]()
        told.append(str(caught.value))

    with isolated(generators=()):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert told[0].startswith(
        f"{call}: the thread 'MainThread' has been inside isolated() or preserved() for 0.1"
    )
    assert "in that thread" in told[0]


def in_a_child(work: Any) -> int:
    """The exit code of a forked child that ends as a program does, with what `work` says."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            code = int(work())
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_leaves_the_scope_as_its_parent_does() -> None:
    before = stands({})
    parent = os.getpid()
    try:
        with isolated(generators=()):
            process_draws()
            code = in_a_child_that_goes_on()
    finally:
        if os.getpid() != parent:
            os._exit(int(stands({}) != before))
    assert code == 0
    assert stands({}) == before


def in_a_child_that_goes_on() -> int:
    pid = os.fork()
    if pid == 0:
        return 0
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_forked_while_another_thread_is_inside_waits_for_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turn, "PATIENCE", 5.0)
    entered, done = threading.Event(), threading.Event()

    def hold() -> None:
        with isolated(generators=()):
            entered.set()
            done.wait()

    def work() -> bool:
        with isolated(generators=()):
            random.random()
        capture_rng(none=None)
        return bool(scope.Visit.stays.open)

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait()
    try:
        assert in_a_child(work) == 0
    finally:
        done.set()
        thread.join()


def test_workers_forked_inside_draw_from_the_inside() -> None:
    before = stands({})

    class Draws(Dataset[float]):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> float:
            with isolated():  # a forked worker may enter, too
                return torch.rand(1).item()

    with isolated(5):
        first = [batch.tolist() for batch in DataLoader(Draws(), num_workers=2)]
    with isolated(5):
        assert [batch.tolist() for batch in DataLoader(Draws(), num_workers=2)] == first
    assert stands({}) == before


# Accelerators, over a stand-in


@scopes
def test_every_device_is_put_back(make: Any, fake: FakeModule) -> None:
    fake.init()
    before = [generator.get_state() for generator in fake.default_generators]
    with make(generators=()):
        inside = [draws(generator) for generator in fake.default_generators]
    assert all(map(torch.equal, before, [generator.get_state() for generator in fake.default_generators]))
    assert inside[0] != inside[1]
    assert ([draws(generator) for generator in fake.default_generators] == inside) == (make is preserved)


@scopes
def test_a_device_first_used_inside_has_not_moved_afterwards(make: Any, fake: FakeModule) -> None:
    with make(generators=()):
        assert not fake.ready
        fake.init()
        fresh = [generator.get_state() for generator in fake.default_generators]
        draws(fake.default_generators[0])
    assert all(map(torch.equal, fresh, [generator.get_state() for generator in fake.default_generators]))


def test_neither_entering_nor_capturing_initialises_cuda() -> None:
    program = (
        "import torch\n"
        "from samebits.seeding.scope import isolated\n"
        "from samebits.seeding.state import capture_rng\n"
        "with isolated():\n    capture_rng()\n"
        "print(torch.cuda.is_initialized())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


class Callback:
    def __init__(self) -> None:
        self.rng = random.Random(1)

    @isolated()
    def on_end(self, held: list[Any], *rest: Any, also: Any) -> None:
        for one in (self.rng, *held, *rest, also):
            one.random()


def test_a_decorated_call_isolates_what_it_is_given() -> None:
    """Only a framework's variables hold a callback."""
    alive: Any = iter([[Callback(), *map(random.Random, range(3))]])

    def stand() -> list[Any]:
        return [one.getstate() for one in (things[0].rng, *things[1:])]

    things = next(alive)
    calls = [functools.partial(Callback.on_end, things[0], [things[1]], things[2], also=things[3])]
    before = stand()
    kept, things = iter([things]), None
    run = map(functools.partial.__call__, iter(calls))  # an iterator, which a walk does not see into
    del calls
    next(run)
    things = next(kept)
    assert stand() == before


@pytest.mark.parametrize("given", [torch.Generator, random.Random, np.random.default_rng, int])
def test_one_generator_is_not_several(given: Any) -> None:
    with pytest.raises(TypeError, match=r"isolated: generators must be .*; write generators=\[generator\]"):
        isolated(generators=given())
