"""The portable mode: unmodified code draws keyed numbers, and everything is as before afterwards."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses import FakeTensorMode
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import samebits.random as sr
from samebits.determinism.mode import deterministic
from samebits.errors import UsageError
from samebits.random.keys import fold_in, key
from samebits.random.portable_mode import drawing, scopes
from samebits.random.portable_mode.mode import get_state, portable, set_state
from samebits.random.portable_mode.scopes import scope
from samebits.seeding import capture_rng, isolated, restore_rng


@pytest.fixture(autouse=True)
def _restored(generators_restored: None) -> None:
    """Seeds and draws."""


def step(seed: int, number: int, *path: str) -> Tensor:
    """The key of a draw."""
    made = key(seed)
    for name in path:
        made = fold_in(made, name)
    return fold_in(made, number)


def native(seed: int = 5) -> list[Tensor]:
    """What torch's own kernels give."""
    torch.manual_seed(seed)
    x = torch.ones(40)
    return [
        torch.rand(3),
        torch.randn(20),
        torch.randint(9, (9,)),
        torch.randperm(9),
        torch.bernoulli(x * 0.5),
        F.dropout(x, 0.5),
        torch.multinomial(x, 5),
        torch.poisson(x),
        torch._standard_gamma(x),
        nn.init.trunc_normal_(torch.empty(9)),
        F.scaled_dot_product_attention(*[x.view(1, 1, 5, 8)] * 3, dropout_p=0.5),
    ]


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(map(torch.equal, one, other))


class TestTheMode:
    def test_the_first_numbers(self) -> None:
        with portable(7):
            assert torch.equal(torch.rand(5), sr.uniform(step(7, 0), 5))
            assert torch.equal(torch.randn(5), sr.normal(step(7, 1), 5))

    @pytest.mark.parametrize("seed", [0, 1, 2**64 - 1, 2**63])
    def test_seeds(self, seed: int) -> None:
        with portable(seed):
            assert torch.equal(torch.rand(5), sr.uniform(step(seed, 0), 5))

    def test_everything_is_as_before(self) -> None:
        before, attributes = native(), dict(vars(torch.nn.init))
        state = torch.get_rng_state()
        with portable(5):
            inside = native()
        assert torch.equal(torch.get_rng_state(), state)
        assert same(native(), before)
        assert dict(vars(torch.nn.init)) == attributes
        assert not any(map(torch.equal, inside, before))

    def test_also_after_an_exception(self) -> None:
        before, state = native(), torch.get_rng_state()
        with pytest.raises(ZeroDivisionError), portable(5):  # noqa: PT012
            torch.rand(3)
            _ = 1 / 0
        assert torch.equal(torch.get_rng_state(), state)
        assert same(native(), before)

    def test_nested(self) -> None:
        with portable(1):
            first = torch.rand(3)
            with portable(2):
                assert torch.equal(torch.rand(3), sr.uniform(step(2, 0), 3))
            second = torch.rand(3)
        assert torch.equal(first, sr.uniform(step(1, 0), 3))
        assert torch.equal(second, sr.uniform(step(1, 1), 3))

    def test_from_where_the_generator_stands(self) -> None:
        torch.manual_seed(4)
        with portable():
            assert torch.equal(torch.rand(3), sr.uniform(step(4, 0), 3))

    def test_entered_again(self) -> None:
        mode = portable(3)
        with mode:
            first = torch.rand(3)
            with mode:
                torch.rand(3)
            third = torch.rand(3)
        with mode:
            assert torch.equal(torch.rand(3), first)
        assert torch.equal(third, sr.uniform(step(3, 2), 3))

    def test_decorated(self) -> None:
        @portable(3)
        def drawn(count: int) -> Tensor:
            """Draws."""
            return torch.rand(count)

        state = torch.get_rng_state()
        assert torch.equal(drawn(3), sr.uniform(step(3, 0), 3))
        assert torch.equal(drawn(3), sr.uniform(step(3, 0), 3))
        assert drawn.__doc__ == "Draws."
        assert torch.equal(torch.get_rng_state(), state)

    def test_called(self) -> None:
        state = torch.get_rng_state()
        mode = portable(3)
        try:
            assert torch.equal(torch.rand(3), sr.uniform(step(3, 0), 3))
        finally:
            mode.restore()
        mode.restore()
        assert torch.equal(torch.get_rng_state(), state)

    def test_one_that_ends_before_one_that_began_later(self) -> None:
        state, before = torch.get_rng_state(), native()
        torch.set_rng_state(state)
        first, second = portable(1), portable(2)
        first.restore()
        assert torch.equal(torch.rand(3), sr.uniform(step(2, 0), 3))
        second.restore()
        assert torch.equal(torch.get_rng_state(), state)
        assert same(native(), before)

    @pytest.mark.parametrize("wide", [2**64, 2**64 + 5, 2**128 - 1])
    def test_a_seed_of_more_than_64_bits(self, wide: int) -> None:
        with portable(wide):
            drawn = torch.rand(5)
        with portable(wide):
            assert torch.equal(torch.rand(5), drawn)
        with portable(wide % 2**64):  # all bits count
            assert not torch.equal(torch.rand(5), drawn)

    @pytest.mark.parametrize("wrong", [2**128, -1])
    def test_a_seed_out_of_range(self, wrong: int) -> None:
        with pytest.raises(ValueError, match=r"samebits\.random\.portable: the seed must be in 0"):
            portable(wrong)

    @pytest.mark.parametrize("wrong", [1.5, "1", True])
    def test_a_seed_that_is_no_integer(self, wrong: Any) -> None:
        with pytest.raises(TypeError, match=r"samebits\.random\.portable: the seed must be an int, got"):
            portable(wrong)

    def test_a_decorator_without_a_call(self) -> None:
        with pytest.raises(TypeError, match="called with a seed"):
            portable(native)  # type: ignore[arg-type]

    def test_what_runs_after_the_call_is_not_decorated(self) -> None:
        with pytest.raises(TypeError, match="body runs after the call"):

            @portable(0)
            def numbers() -> Any:
                yield torch.rand(3)

    def test_repr(self) -> None:
        with portable(3) as mode:
            assert repr(mode) == "portable(3)"


Pair = tuple[Callable[[], Tensor], Callable[[Tensor], Tensor]]


def _bits(k: Tensor, *shape: int, high: int, dtype: torch.dtype) -> Tensor:
    return sr.randint(k, *shape, low=0, high=high, dtype=dtype)


_P = torch.linspace(0, 1, 12).view(3, 4)
_MEANS, _STDS = torch.arange(12.0).view(3, 4), torch.linspace(0, 2, 12).view(3, 4)

#: torch's draw, and the keyed function with the key of the first step.
PAIRS: dict[str, Pair] = {
    "rand": (lambda: torch.rand(3, 4), lambda k: sr.uniform(k, 3, 4)),
    "rand double": (
        lambda: torch.rand(3, 4, dtype=torch.float64),
        lambda k: sr.uniform(k, 3, 4, dtype=torch.float64),
    ),
    "rand half": (
        lambda: torch.rand(3, 4, dtype=torch.float16),
        lambda k: sr.uniform(k, 3, 4, dtype=torch.float16),
    ),
    "rand complex": (
        lambda: torch.view_as_real(torch.rand(3, dtype=torch.complex64)),
        lambda k: sr.uniform(k, 3, 2),
    ),
    "rand_like": (lambda: torch.rand_like(_P), lambda k: sr.uniform(k, 3, 4)),
    "uniform_": (
        lambda: torch.empty(3, 4).uniform_(-1, 0.3),
        lambda k: sr.uniform(k, 3, 4, low=-1, high=0.3),
    ),
    "randn": (lambda: torch.randn(3, 4), lambda k: sr.normal(k, 3, 4)),
    "randn bfloat16": (
        lambda: torch.randn(3, 4, dtype=torch.bfloat16),
        lambda k: sr.normal(k, 3, 4, dtype=torch.bfloat16),
    ),
    "randn complex": (
        lambda: torch.view_as_real(torch.randn(5, dtype=torch.complex128)),
        lambda k: sr.normal(k, 5, 2, std=1 / math.sqrt(2), dtype=torch.float64),
    ),
    "randn_like": (lambda: torch.randn_like(_P), lambda k: sr.normal(k, 3, 4)),
    "normal_": (lambda: torch.empty(3, 4).normal_(2, 3), lambda k: sr.normal(k, 3, 4, mean=2, std=3)),
    "normal of numbers": (
        lambda: torch.normal(2.0, 3.0, (3, 4)),
        lambda k: sr.normal(k, 3, 4, mean=2, std=3),
    ),
    "normal of a tensor and a number": (
        lambda: torch.normal(torch.full((3, 4), 2.0), 3.0),
        lambda k: sr.normal(k, 3, 4, mean=2, std=3),
    ),
    "normal of a number and a tensor": (
        lambda: torch.normal(2.0, torch.full((3, 4), 3.0)),
        lambda k: sr.normal(k, 3, 4, mean=2, std=3),
    ),
    "normal of tensors": (
        lambda: torch.normal(_MEANS, _STDS),
        lambda k: sr.normal(k, 3, 4) * _STDS + _MEANS,
    ),
    "normal of tensors that broadcast": (
        lambda: torch.normal(_MEANS[:1], _STDS[:, :1]),
        lambda k: sr.normal(k, 3, 4) * _STDS[:, :1] + _MEANS[:1],
    ),
    "normal of halves": (
        lambda: torch.normal(_MEANS.half(), _STDS.half()),
        lambda k: (sr.normal(k, 3, 4) * _STDS.half().float() + _MEANS).half(),
    ),
    "exponential_": (lambda: torch.empty(3, 4).exponential_(2), lambda k: sr.exponential(k, 3, 4, rate=2)),
    "randint": (lambda: torch.randint(9, (3, 4)), lambda k: _bits(k, 3, 4, high=9, dtype=torch.int64)),
    "randint int32": (
        lambda: torch.randint(-5, 9, (3, 4), dtype=torch.int32),
        lambda k: sr.randint(k, 3, 4, low=-5, high=9),
    ),
    "randint float": (
        lambda: torch.randint(-5, 9, (3, 4), dtype=torch.float16),
        lambda k: sr.randint(k, 3, 4, low=-5, high=9).half(),
    ),
    "randint float64": (
        lambda: torch.randint(-5, 9, (3, 4), dtype=torch.float64),
        lambda k: sr.randint(k, 3, 4, low=-5, high=9, dtype=torch.int64).double(),
    ),
    "randint_like": (lambda: torch.randint_like(_P, 9), lambda k: sr.randint(k, 3, 4, high=9).float()),
    "random_ int64": (
        lambda: torch.empty(3, 4, dtype=torch.int64).random_(),
        lambda k: _bits(k, 3, 4, high=2**63, dtype=torch.int64),
    ),
    "random_ uint8": (
        lambda: torch.empty(3, 4, dtype=torch.uint8).random_(),
        lambda k: sr.bits(k, 3, 4, dtype=torch.uint8),
    ),
    "random_ int8": (
        lambda: torch.empty(3, 4, dtype=torch.int8).random_(),
        lambda k: _bits(k, 3, 4, high=128, dtype=torch.int8),
    ),
    "random_ bool": (
        lambda: torch.empty(3, 4, dtype=torch.bool).random_(),
        lambda k: sr.randint(k, 3, 4, high=2).bool(),
    ),
    "random_ float32": (
        lambda: torch.empty(3, 4).random_(),
        lambda k: sr.randint(k, 3, 4, high=2**24 + 1).float(),
    ),
    "random_ of all int64": (
        lambda: torch.empty(3, 4, dtype=torch.int64).random_(-(2**63), None),
        lambda k: sr.bits(k, 3, 4, dtype=torch.int64),
    ),
    "random_ of a range of nearly 32 bits": (
        lambda: torch.empty(3, 4, dtype=torch.int32).random_(-(10**9), 10**9),
        lambda k: sr.randint(k, 3, 4, low=-(10**9), high=10**9, dtype=torch.int64).int(),
    ),
    "random_ int32": (
        lambda: torch.empty(3, 4, dtype=torch.int32).random_(),
        lambda k: sr.randint(k, 3, 4, low=0, high=2**31),
    ),
    "random_ of a range beyond 32 bits": (
        lambda: torch.empty(3, 4).random_(0, 10**12),
        lambda k: _bits(k, 3, 4, high=10**12, dtype=torch.int64).float(),
    ),
    "bernoulli_": (
        lambda: torch.empty(3, 4).bernoulli_(0.3),
        lambda k: sr.bernoulli(k, 3, 4, p=0.3, dtype=torch.float32),
    ),
    "bernoulli": (lambda: torch.bernoulli(_P), lambda k: sr.bernoulli(k, p=_P).float()),
    "bernoulli of a number": (
        lambda: torch.bernoulli(_P, 0.3),
        lambda k: sr.bernoulli(k, 3, 4, p=0.3).float(),
    ),
    "bernoulli_ of a tensor": (
        lambda: torch.empty(3, 4, dtype=torch.int64).bernoulli_(_P[0].double()),
        lambda k: sr.bernoulli(k, p=_P[0].double().expand(3, 4)).long(),
    ),
    "bernoulli out": (
        lambda: torch.bernoulli(_P, out=torch.empty(0)),
        lambda k: sr.bernoulli(k, p=_P).float(),
    ),
    "dropout": (
        lambda: F.dropout(_MEANS, 0.3),
        lambda k: _MEANS * sr.bernoulli(k, 3, 4, p=0.7).float().div(0.7),
    ),
    "native_dropout": (
        lambda: torch.native_dropout(_MEANS, 0.3, True)[0],
        lambda k: _MEANS * sr.bernoulli(k, 3, 4, p=0.7).float().div(0.7),
    ),
    "dropout of channels": (
        lambda: F.dropout2d(torch.ones(3, 4, 2, 2), 0.3),
        lambda k: (sr.bernoulli(k, 3, 4, 1, 1, p=0.7).float() / 0.7).expand(3, 4, 2, 2),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_torchs_draw_is_the_keyed_one(name: str) -> None:
    torchs, keyed = PAIRS[name]
    with portable(11):
        drawn = torchs()
        again = torchs()
    assert torch.equal(drawn, keyed(step(11, 0)))
    assert drawn.dtype == keyed(step(11, 0)).dtype
    assert torch.equal(again, keyed(step(11, 1)))


class TestSteps:
    """One draw is one step."""

    @pytest.mark.parametrize("shape", [(), (0,), (1,), (1000,), (3, 0, 2), (20_000,)])
    def test_of_any_size(self, shape: tuple[int, ...]) -> None:
        with portable(0):
            torch.rand(shape)
            torch.empty(shape).normal_()
            torch.bernoulli(torch.full(shape, 0.5))
            torch.normal(torch.zeros(shape), 1.0)
            torch.randint(3, shape)
            assert torch.equal(torch.rand(3), sr.uniform(step(0, 5), 3))

    def test_what_draws_nothing(self) -> None:
        x = torch.ones(5)
        with portable(0):
            F.dropout(x, 0.0), F.dropout(x, 1.0), F.dropout(x, 0.5, training=False)
            torch.native_dropout(x, 0.5, False)
            F.rrelu(x), F.scaled_dot_product_attention(*[x.view(1, 1, 5, 1)] * 3)
            assert torch.equal(torch.rand(3), sr.uniform(step(0, 0), 3))

    def test_meta_and_fake_tensors(self) -> None:
        with portable(0):
            torch.rand(3, device="meta")
            torch.empty(3, device="meta").normal_()
            nn.init.trunc_normal_(torch.empty(3, device="meta"))
            with FakeTensorMode():
                torch.rand(3)
                F.dropout(torch.rand(3), 0.5)
            assert torch.equal(torch.rand(3), sr.uniform(step(0, 0), 3))


class TestLayouts:
    @pytest.mark.parametrize(
        "made",
        [
            lambda: torch.empty(4, 6).t(),
            lambda: torch.empty(12, 8)[::2, ::2],
            lambda: torch.empty(1, 6, 4, 1).contiguous(memory_format=torch.channels_last)[0, :, :, 0],
        ],
        ids=["transposed", "strided", "channels last"],
    )
    def test_of_the_target(self, made: Callable[[], Tensor]) -> None:
        with portable(0):
            target = made()
            assert target.shape == (6, 4)
            numbers = target.uniform_()
            assert numbers is target
            assert torch.equal(target, sr.uniform(step(0, 0), 6, 4))
            assert torch.equal(target.normal_(), sr.normal(step(0, 1), 6, 4))
            assert torch.equal(target.bernoulli_(0.5), sr.bernoulli(step(0, 2), 6, 4).float())

    def test_around_a_view(self) -> None:
        with portable(0):
            whole = torch.zeros(4, 4)
            whole[1:3, 1:3].normal_()
        assert torch.equal(whole[1:3, 1:3], sr.normal(step(0, 0), 2, 2))
        assert whole.count_nonzero() == 4

    def test_channels_last_dropout(self) -> None:
        x = torch.ones(2, 3, 4, 4)
        with portable(0):
            one = F.dropout(x, 0.5)
        with portable(0):
            other = F.dropout(x.contiguous(memory_format=torch.channels_last), 0.5)
        assert torch.equal(one, other)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_a_mask_is_the_same_in_every_dtype(dtype: torch.dtype, p: float) -> None:
    with portable(0):
        single = F.dropout(torch.ones(500), p)
    with portable(0):
        other = F.dropout(torch.ones(500, dtype=dtype), p)
    assert torch.equal(single != 0, other != 0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("p", [0.1, 1 / 3, 0.5, 0.7, 0.9, 0.123456])
def test_the_fused_dropout_gives_the_bits_of_the_composed_one(dtype: torch.dtype, p: float) -> None:
    """What a GPU calls, and what a CPU does: forward and backward."""
    x = torch.linspace(-3, 3, 400, dtype=torch.float64).to(dtype).requires_grad_()
    y = x.detach().clone().requires_grad_()
    gradient = torch.linspace(1, 2, 400, dtype=torch.float64).to(dtype)
    with portable(0):
        composed = F.dropout(x, p)
        composed.backward(gradient)
    with portable(0):
        fused, mask = torch.native_dropout(y, p, True)
        fused.backward(gradient)
    assert x.grad is not None
    assert y.grad is not None
    assert torch.equal(composed, fused)
    assert torch.equal(x.grad, y.grad)
    assert torch.equal(mask, fused != 0)


def test_threads_change_nothing() -> None:
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            with portable(0):
                x = torch.rand(70_000)
                drawn = [x, torch.randn(70_000), torch.randint(99, (70_000,)), torch.bernoulli(x)]
                found.append([*drawn, F.dropout(x, 0.3), torch.randperm(70_000)])
    finally:
        torch.set_num_threads(threads)
    assert same(*found)


class TestSeeding:
    def test_inside(self) -> None:
        with portable(0):
            torch.rand(3)
            torch.manual_seed(9)
            assert torch.equal(torch.rand(3), sr.uniform(step(9, 0), 3))

    def test_states_of_torch(self) -> None:
        with portable(0):
            torch.rand(3)
            state = torch.get_rng_state()
            one = torch.rand(3)
            torch.set_rng_state(state)
            assert torch.equal(torch.rand(3), one)
            with torch.random.fork_rng(devices=[]):
                two = torch.rand(3)
            assert torch.equal(torch.rand(3), two)

    def test_states_of_ours(self) -> None:
        with portable(0):
            torch.rand(3)
            with scope("a"):
                torch.rand(3)
            saved = get_state()
            one, two = torch.rand(3), torch.randn(3)
        with portable(8):
            set_state(saved)
            assert torch.equal(torch.rand(3), one)
            assert torch.equal(torch.randn(3), two)
            with scope("a"):
                assert torch.equal(torch.rand(3), sr.uniform(step(0, 1, "a"), 3))

    @pytest.mark.parametrize("call", [get_state, lambda: set_state(torch.zeros(4))], ids=["get", "set"])
    def test_outside(self, call: Callable[[], Any]) -> None:
        with pytest.raises(UsageError, match=r"outside samebits\.random\.portable"):
            call()

    def test_generators_that_are_passed(self) -> None:
        with portable(0):
            generator = torch.Generator().manual_seed(5)
            one = torch.rand(3, generator=generator)
            torch.rand(3)
            with scope("a"):
                two = torch.randn(3, generator=generator)
            assert torch.equal(torch.rand(3), sr.uniform(step(0, 1), 3))
        assert torch.equal(one, sr.uniform(step(5, 0), 3))
        assert torch.equal(two, sr.normal(step(5, 1), 3))


class TestScopes:
    def test_a_stream_of_its_own(self) -> None:
        def run(extra: int) -> list[Tensor]:
            drawn = [torch.rand(3)]
            with scope("a"):
                for _ in range(extra):
                    torch.rand(5)
            drawn.append(torch.rand(3))
            with scope("b"):
                drawn.append(torch.rand(3))
            return drawn

        with portable(0):
            one = run(1)
        with portable(0):
            other = run(7)
        assert same(one, other)
        assert torch.equal(one[2], sr.uniform(step(0, 0, "b"), 3))

    def test_entered_again_it_goes_on(self) -> None:
        with portable(0):
            for number in range(3):
                torch.rand(2)
                with scope("a"):
                    assert torch.equal(torch.rand(3), sr.uniform(step(0, number, "a"), 3))

    def test_inside_another(self) -> None:
        with portable(0), scope("a"):
            with scope("b"):
                inner = torch.rand(3)
            outer = torch.rand(3)
        assert torch.equal(inner, sr.uniform(step(0, 0, "a/b"), 3))
        assert torch.equal(outer, sr.uniform(step(0, 0, "a"), 3))

    def test_left_by_an_exception(self) -> None:
        with portable(0):
            with pytest.raises(ZeroDivisionError), scope("a"):
                _ = 1 / 0
            assert torch.equal(torch.rand(3), sr.uniform(step(0, 0), 3))

    def test_decorated(self) -> None:
        @scope("a")
        def drawn() -> Tensor:
            return torch.rand(3)

        with portable(0):
            assert torch.equal(drawn(), sr.uniform(step(0, 0, "a"), 3))
            assert torch.equal(drawn(), sr.uniform(step(0, 1, "a"), 3))

    def test_is_the_threads(self) -> None:
        found: list[Tensor] = []
        with portable(0), scope("a"):
            thread = threading.Thread(target=lambda: found.append(torch.rand(3)))
            thread.start()
            thread.join()
            assert torch.equal(torch.rand(3), sr.uniform(step(0, 0, "a"), 3))
        assert torch.equal(found[0], sr.uniform(step(0, 0), 3))

    def test_after_seeding(self) -> None:
        with portable(0), scope("a"):
            torch.rand(3)
            torch.manual_seed(4)
            assert torch.equal(torch.rand(3), sr.uniform(step(4, 0, "a"), 3))

    @pytest.mark.parametrize("wrong", ["", "a/b"])
    def test_no_name(self, wrong: str) -> None:
        with portable(0), pytest.raises(ValueError, match="is no name"), scope(wrong):
            pass

    def test_no_text(self) -> None:
        with portable(0), pytest.raises(TypeError, match="a name is expected, not 3"), scope(3):  # type: ignore[arg-type]
            pass

    def test_outside_the_mode(self) -> None:
        with pytest.raises(UsageError, match=r"scope\('a'\) is outside"), scope("a"):
            pass


class TestCheckpointing:
    """What is computed again draws the same numbers again."""

    @pytest.mark.parametrize("reentrant", [True, False])
    @pytest.mark.parametrize("outer", ["", "a"])
    @pytest.mark.parametrize("inner", ["", "b"])
    def test_gradients(self, reentrant: bool, outer: str, inner: str) -> None:
        def block(x: Tensor) -> Tensor:
            y = F.dropout(x * 2, 0.5)
            if inner:
                with scope(inner):
                    y = F.dropout(y, 0.3)
            return F.dropout(y, 0.5).sin()

        def gradient(kept: bool) -> tuple[Tensor, Tensor]:
            x = torch.linspace(0, 1, 50).requires_grad_()
            with portable(0):
                if outer:
                    with scope(outer):
                        y = block(x) if kept else checkpoint(block, x, use_reentrant=reentrant)
                else:
                    y = block(x) if kept else checkpoint(block, x, use_reentrant=reentrant)
                torch.rand(3)
                y.sum().backward()
                assert x.grad is not None
                return x.grad, torch.rand(3)

        assert same(list(gradient(True)), list(gradient(False)))

    def test_everything_is_as_before(self) -> None:
        before = dict(vars(torch.utils.checkpoint))
        with portable(0):
            assert dict(vars(torch.utils.checkpoint)) != before
        assert dict(vars(torch.utils.checkpoint)) == before


class TestTransforms:
    def test_vmap_different(self) -> None:
        def drawn(x: Tensor) -> tuple[Tensor, ...]:
            return torch.rand_like(x), x + torch.randn(3), F.dropout(x + 1, 0.5), torch.rand(2)

        with portable(0):
            one = torch.vmap(drawn, randomness="different")(torch.zeros(4, 3))
        with portable(0):
            other = torch.vmap(drawn, randomness="different")(torch.zeros(4, 3))
        assert same(list(one), list(other))
        assert torch.equal(one[0], sr.uniform(step(0, 0), 4, 3))
        assert torch.equal(one[1], sr.normal(step(0, 1), 4, 3))
        assert not torch.equal(one[3][0], one[3][1])

    def test_vmap_same(self) -> None:
        def drawn(x: Tensor) -> Tensor:
            return x + torch.randn(3)

        with portable(0):
            rows = torch.vmap(drawn, randomness="same")(torch.zeros(4, 3))
        assert torch.equal(rows, sr.normal(step(0, 0), 3).expand(4, 3))

    def test_grad(self) -> None:
        with portable(0):
            gradient = torch.func.grad(lambda x: (F.dropout(x, 0.5) ** 2).sum())(torch.ones(20))
        kept = sr.bernoulli(step(0, 0), 20).float() / 0.5
        assert torch.equal(gradient, 2 * kept * kept)

    def test_reparametrised_samples(self) -> None:
        mean = torch.zeros(5, requires_grad=True)
        std = torch.full((5,), 2.0, requires_grad=True)
        with portable(0):
            torch.distributions.Normal(mean, std).rsample().sum().backward()
        assert mean.grad is not None
        assert std.grad is not None
        assert torch.equal(mean.grad, torch.ones(5))
        assert torch.equal(std.grad, sr.normal(step(0, 0), 5))

    def test_inference_mode(self) -> None:
        with portable(0), torch.inference_mode():
            assert torch.equal(torch.rand(3), sr.uniform(step(0, 0), 3))
            assert torch.equal(torch.empty(3).normal_(), sr.normal(step(0, 1), 3))

    def test_in_place_on_a_leaf(self) -> None:
        parameter = nn.Parameter(torch.empty(3))
        version = parameter._version
        with portable(0), torch.no_grad():
            parameter.normal_()
        assert parameter._version > version
        with portable(0), pytest.raises(RuntimeError, match="leaf Variable"):
            parameter.normal_()

    @pytest.mark.filterwarnings("ignore:.*torch.jit")
    def test_scripted_code(self) -> None:
        def drawn(x: Tensor) -> Tensor:
            return torch.rand_like(x)

        scripted = torch.jit.script(drawn)
        with portable(0):
            assert torch.equal(scripted(torch.zeros(3)), sr.uniform(step(0, 0), 3))

    def test_default_devices_and_dtypes(self) -> None:
        with portable(0), torch.device("meta"):
            assert torch.rand(3).device.type == "meta"
            drawn = torch.rand(3, device="cpu")
            drawn_in_place = torch.empty(3, device="cpu").normal_()
        assert torch.equal(drawn, sr.uniform(step(0, 0), 3))
        assert torch.equal(drawn_in_place, sr.normal(step(0, 1), 3))

    def test_autocast(self) -> None:
        with portable(0), torch.autocast("cpu", dtype=torch.bfloat16):
            y = F.dropout(nn.Linear(4, 4, device="cpu")(torch.ones(2, 4)), 0.5)
        assert y.dtype == torch.bfloat16


class TestArgumentsThatTorchRefuses:
    """torch's own error, and nothing is drawn."""

    @pytest.mark.parametrize(
        "call",
        [
            lambda: torch.empty(3).uniform_(1, 0),
            lambda: torch.empty(3).uniform_(0, float("nan")),
            lambda: torch.empty(3, dtype=torch.int64).uniform_(),
            lambda: torch.empty(3).normal_(0, -1),
            lambda: torch.empty(3, dtype=torch.int64).normal_(),
            lambda: torch.normal(torch.zeros(3), -1.0),
            lambda: torch.normal(torch.zeros(3), torch.tensor([1.0, -1, 1])),
            lambda: torch.normal(torch.zeros(3, dtype=torch.int64), 1.0),
            lambda: torch.empty(3).exponential_(0),
            lambda: torch.empty(3, dtype=torch.int32).exponential_(),
            lambda: torch.empty(3).random_(5, 5),
            lambda: torch.empty(3, dtype=torch.uint8).random_(0, 500),
            lambda: torch.randint(5, 2, (3,)),
            lambda: torch.empty(3).bernoulli_(1.5),
            lambda: torch.empty(3).bernoulli_(float("nan")),
            lambda: torch.bernoulli(torch.tensor([0.5, 1.5])),
            lambda: torch.bernoulli(torch.ones(3, dtype=torch.int64)),
            lambda: torch.empty(3).geometric_(0),
            lambda: torch.empty(3).cauchy_(0, -1),
            lambda: torch.empty(3).log_normal_(0, -1),
            lambda: torch.randperm(-1),
            lambda: torch.randperm(300, dtype=torch.uint8),
            lambda: torch.multinomial(torch.zeros(3), 2),
            lambda: torch.multinomial(torch.ones(3), 4),
            lambda: torch.multinomial(torch.tensor([-1.0, 2]), 1),
            lambda: torch.poisson(torch.tensor([-1.0])),
            lambda: F.dropout(torch.ones(3), 1.5),
            lambda: torch.native_dropout(torch.ones(3), 1.5, True),
            lambda: torch.native_dropout(torch.ones(3, dtype=torch.int64), 0.5, True),
        ],
        ids=itertools.count(),
    )
    def test_refused(self, call: Callable[[], Tensor]) -> None:
        with pytest.raises(Exception) as torchs:
            call()
        with portable(0):
            with pytest.raises(type(torchs.value)) as ours:
                call()
            assert torch.equal(torch.rand(3), sr.uniform(step(0, 0), 3))
        assert str(ours.value).splitlines()[0] == str(torchs.value).splitlines()[0]


class TestWithTheRest:
    def test_states_that_seeding_captures(self) -> None:
        with portable(0):
            torch.rand(3)
            captured = capture_rng()
            expected = torch.rand(3)
            restore_rng(captured)
            assert torch.equal(torch.rand(3), expected)
            with isolated(5):
                first = torch.rand(3)
            with isolated(5):
                assert torch.equal(torch.rand(3), first)
            assert torch.equal(torch.rand(3), sr.uniform(step(0, 2), 3))

    @pytest.mark.filterwarnings("ignore:.*torch.jit")
    def test_the_deterministic_mode(self) -> None:
        before = native()
        first, second = deterministic(replace="all"), portable(0)
        assert torch.equal(torch.rand(3), sr.uniform(step(0, 0), 3))
        first.restore()
        assert torch.equal(torch.rand(3), sr.uniform(step(0, 1), 3))
        second.restore()
        assert same(native(), before)

    def test_a_draw_into_a_cuda_graph_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class OnCuda:
            is_cuda = True

        monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: True)
        state = torch.get_rng_state()
        with pytest.raises(UsageError, match="the same numbers at every replay"):
            drawing.key_of(None, OnCuda())  # type: ignore[arg-type]
        assert torch.equal(torch.get_rng_state(), state)


def test_names_do_not_meet_files() -> None:
    """A public name is loaded on first use, which a file of the name would come before."""
    files = {path.stem for path in Path(scopes.__file__).parent.glob("*.py")}
    assert not files & {"portable", "scope", "get_state", "set_state"}
