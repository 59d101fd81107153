"""Distributions with parameters an element: the same bits in C and in torch, in every cut; clear errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from tests.dispatched import Dispatched
from torch import Tensor

from samebits.random import core, keys, parametric
from samebits.random.distributions.binomial import binomial
from samebits.random.distributions.cauchy import cauchy
from samebits.random.distributions.gamma import beta, dirichlet, gamma
from samebits.random.distributions.geometric import geometric
from samebits.random.distributions.log_normal import log_normal
from samebits.random.distributions.poisson import poisson

F64 = torch.float64
KEY = keys.key(20_261_121)
COUNT = 6000


@pytest.fixture
def loaded() -> core.Core:
    return core.load() or pytest.skip("no C core here")


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def spread(count: int, low: float, high: float, seed: int = 0) -> Tensor:
    """Powers of two, from 2**low to 2**high."""
    generator = torch.Generator().manual_seed(seed)
    return torch.exp2(low + (high - low) * torch.rand(count, generator=generator, dtype=F64))


def fractions(count: int, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    p = torch.rand(count, generator=generator, dtype=F64)
    p[:4] = torch.tensor([0.0, 1.0, 0.5, 1e-300])
    return p


Draw = Callable[..., Tensor]

#: Each distribution with a parameter of its own for each of COUNT elements, given a slice of them.
EACH: dict[str, Callable[[slice, Tensor], Tensor]] = {
    "gamma": lambda at, key: gamma(key, spread(COUNT, -20, 40)[at], rate=spread(COUNT, -3, 3, 9)[at]),
    "gamma of extremes": lambda at, key: gamma(key, spread(COUNT, -1000, 1000)[at]),
    "beta": lambda at, key: beta(key, spread(COUNT, -10, 10)[at], spread(COUNT, -10, 10, 2)[at]),
    "beta of extremes": lambda at, key: beta(
        key, spread(COUNT, -900, 30)[at], spread(COUNT, -900, 30, 2)[at]
    ),
    "dirichlet": lambda at, key: dirichlet(key, spread(COUNT * 5, -8, 8).view(COUNT, 5)[at]),
    "poisson": lambda at, key: poisson(key, spread(COUNT, -30, 40)[at]),
    "poisson of extremes": lambda at, key: poisson(key, spread(COUNT, -1000, 1000)[at]),
    "binomial": lambda at, key: binomial(key, spread(COUNT, 0, 30).floor()[at], fractions(COUNT)[at]),
    "binomial of many": lambda at, key: binomial(key, 2.0**53, spread(COUNT, -60, 0)[at]),
    "geometric": lambda at, key: geometric(key, p=spread(COUNT, -999, 0)[at]),
    "cauchy": lambda at, key: cauchy(key, median=fractions(COUNT)[at], sigma=spread(COUNT, -5, 5)[at]),
    "log_normal": lambda at, key: log_normal(key, mean=fractions(COUNT)[at], std=spread(COUNT, -5, 5)[at]),
}

#: Each distribution with one parameter for all.
ALL: dict[str, Draw] = {
    "gamma": lambda key, *shape, **options: gamma(key, 0.3, *shape, **options),
    "gamma above 1": lambda key, *shape, **options: gamma(key, 2.5, *shape, rate=3.0, **options),
    "beta": lambda key, *shape, **options: beta(key, 0.7, 2.5, *shape, **options),
    "dirichlet": lambda key, *shape, **options: dirichlet(
        key, torch.tensor([0.5, 3.0, 1.0]), *shape, **options
    ),
    "poisson": lambda key, *shape, **options: poisson(key, 3.5, *shape, **options),
    "poisson of many": lambda key, *shape, **options: poisson(key, 1234.5, *shape, **options),
    "binomial": lambda key, *shape, **options: binomial(key, 20, 0.2, *shape, **options),
    "binomial of many": lambda key, *shape, **options: binomial(key, 5000, 0.7, *shape, **options),
    "geometric": lambda key, *shape, **options: geometric(key, *shape, p=0.1, **options),
    "cauchy": lambda key, *shape, **options: cauchy(key, *shape, median=1.0, sigma=2.0, **options),
    "log_normal": lambda key, *shape, **options: log_normal(key, *shape, mean=-1.0, std=0.5, **options),
}

WHOLE = slice(None)

#: Start and shape of parts of (12, 10, 7): all, a block, a run, one element, none.
PARTS = [
    ((0, 0, 0), (12, 10, 7)),
    ((3, 2, 1), (4, 5, 6)),
    ((5, 0, 0), (2, 10, 7)),
    ((1, 9, 6), (3, 1, 1)),
    ((0, 0, 0), (0, 3, 3)),
]


def on(tier: str) -> AbstractContextManager[None]:
    """Draws in plain torch, or in the core's fastest tier."""
    if tier == "eager":
        return core.using(tier)
    loaded = core.load() or pytest.skip("no C core here")
    return core.using(loaded.tier)


def same(a: Tensor, b: Tensor) -> bool:
    return torch.equal(a.contiguous().view(torch.int64), b.contiguous().view(torch.int64))


@pytest.mark.parametrize("name", EACH)
def test_c_and_torch_give_the_same_bits(loaded: core.Core, name: str) -> None:
    ours = EACH[name](WHOLE, KEY)
    with core.using("eager"):
        plain = EACH[name](WHOLE, KEY)
    assert not ours.isnan().any()
    assert same(ours, plain)


@pytest.mark.parametrize("name", ALL)
def test_counters_wrap(loaded: core.Core, name: str) -> None:
    late = torch.tensor([2**64 - 1, 2**64 - 5], dtype=torch.uint64)
    ours = ALL[name](late, 20, dtype=F64)
    with core.using("eager"):
        assert same(ALL[name](late, 20, dtype=F64), ours)
    early = torch.tensor([2**64 - 1, 0], dtype=torch.uint64)
    if name not in ("beta", "dirichlet"):  # whose elements have several counters
        assert same(ours[5:], ALL[name](early, 15, dtype=F64))


@pytest.mark.parametrize("name", ALL)
def test_c_and_torch_give_the_same_bits_of_one_parameter(loaded: core.Core, name: str) -> None:
    ours = ALL[name](KEY, COUNT, dtype=F64)
    with core.using("eager"):
        plain = ALL[name](KEY, COUNT, dtype=F64)
    assert same(ours, plain)


@pytest.mark.parametrize("tier", ["core", "eager"])
@pytest.mark.parametrize("name", EACH)
def test_a_longer_draw_begins_with_a_shorter_one(name: str, tier: str) -> None:
    with on(tier):
        long = EACH[name](WHOLE, KEY)
        for length in (1, 2, 17, 333):
            assert same(EACH[name](slice(length), KEY), long[:length])


@pytest.mark.parametrize("name", ALL)
def test_chunks_and_threads_change_nothing(
    monkeypatch: pytest.MonkeyPatch, threads: Callable[[int], None], name: str
) -> None:
    threads(1)
    one = ALL[name](KEY, 20_000, dtype=F64)
    threads(2)
    assert same(ALL[name](KEY, 20_000, dtype=F64), one)
    monkeypatch.setattr(parametric, "_CHUNK", 1001)
    with core.using("eager"):
        assert same(ALL[name](KEY, 5000, dtype=F64), one[:5000])


@pytest.mark.parametrize("tier", ["core", "eager"])
@pytest.mark.parametrize("name", ALL)
def test_a_shard_is_that_part_of_the_whole(name: str, tier: str) -> None:
    with on(tier):
        whole = ALL[name](KEY, 12, 10, 7, dtype=F64)
        for start, size in PARTS:
            place = tuple(slice(at, at + n) for at, n in zip(start, size, strict=True))
            assert same(ALL[name](KEY, 12, 10, 7, dtype=F64, shard=(start, size)), whole[place])


def test_a_shard_takes_its_part_of_the_parameters() -> None:
    rate = spread(120, -3, 10).view(12, 10)
    whole = poisson(KEY, rate)
    assert same(poisson(KEY, rate, 12, 10, shard=((3, 2), (4, 5))), whole[3:7, 2:7])
    rows = spread(60, -3, 3).view(12, 5)
    assert same(dirichlet(KEY, rows, 12, shard=((3,), (4,))), dirichlet(KEY, rows)[3:7])
    across = poisson(KEY, rate[:1], 12, 10)
    assert same(poisson(KEY, rate[:1], 12, 10, shard=((3, 2), (4, 5))), across[3:7, 2:7])


@pytest.mark.parametrize("tier", ["core", "eager"])
@pytest.mark.parametrize("name", ALL)
def test_a_batch_of_keys_draws_the_leading_dimensions(name: str, tier: str) -> None:
    batch = keys.split(KEY, 6).view(2, 3, 2)
    with on(tier):
        drawn = ALL[name](batch, 2, 3, 11, dtype=F64)
        for i in range(2):
            for j in range(3):
                assert same(drawn[i, j], ALL[name](batch[i, j], 11, dtype=F64))


def test_a_batch_of_keys_takes_its_parameters_along() -> None:
    batch, rate = keys.split(KEY, 3), spread(33, -3, 10).view(3, 11)
    drawn = poisson(batch, rate)
    assert all(same(drawn[i], poisson(batch[i], rate[i])) for i in range(3))
    drawn = poisson(batch, rate[0], 3, 11)
    assert all(same(drawn[i], poisson(batch[i], rate[0])) for i in range(3))


@pytest.mark.parametrize("name", ALL)
def test_elements_depend_on_their_parameters_alone(name: str) -> None:
    """Expanded, transposed, of another dtype: the layout of what is given and of `out` changes nothing."""
    whole = ALL[name](KEY, 30, 40, dtype=F64)
    out = torch.full(tuple(reversed(whole.shape)), torch.nan, dtype=F64).permute(
        *reversed(range(whole.dim()))
    )
    assert ALL[name](KEY, 30, 40, out=out) is out
    assert same(out, whole)
    assert same(ALL[name](KEY, 1200, dtype=F64).view(whole.shape), whole)


def test_parameters_broadcast() -> None:
    rate = spread(40, -3, 10)
    wide = poisson(KEY, rate, 30, 40)
    assert same(wide, poisson(KEY, rate.expand(30, 40).clone()))
    tall = poisson(KEY, rate[:30, None], 30, 40)
    assert same(tall, poisson(KEY, rate[:30, None].expand(30, 40).clone()))
    assert beta(KEY, rate[:30, None], rate).shape == (30, 40)


@pytest.mark.parametrize("name", ALL)
def test_other_dtypes_are_the_float64_number_rounded(name: str) -> None:
    wide = ALL[name](KEY, 500, dtype=F64)
    assert torch.equal(ALL[name](KEY, 500), wide.float())
    for dtype in (torch.float16, torch.bfloat16):
        narrow = ALL[name](KEY, 500, dtype=dtype)
        near = wide.float().to(dtype)
        limits = torch.finfo(dtype)
        if name.startswith(("gamma", "beta", "dirichlet")):
            most = 1 - limits.eps / 2 if not name.startswith("gamma") else torch.inf
            near = near.clamp(limits.tiny, most)
        assert narrow.dtype is dtype
        assert torch.equal(narrow, near)


def test_counts_of_integer_dtypes_end_at_the_largest() -> None:
    wide = poisson(KEY, 100.0, 500, dtype=F64)
    assert torch.equal(poisson(KEY, 100.0, 500, dtype=torch.int32), wide.int())
    assert torch.equal(poisson(KEY, 100.0, 500, dtype=torch.int8), wide.clamp_max(127).to(torch.int8))
    assert wide.max() > 127
    assert (poisson(KEY, 1e30, 5, dtype=torch.int64) == 2**63 - 1).all()


def test_the_dtype_is_the_parameters() -> None:
    assert gamma(KEY, torch.ones(3)).dtype is torch.float32
    assert gamma(KEY, torch.ones(3, dtype=F64)).dtype is F64
    assert gamma(KEY, 1.0, 3).dtype is torch.float32
    assert poisson(KEY, torch.ones(3, dtype=torch.int64)).dtype is torch.float32


def test_an_operation_is_seen_where_somebody_looks() -> None:
    with Dispatched() as seen:
        watched = poisson(KEY, 3.5, 100, dtype=F64)
    assert "samebits::parametric" in seen.names
    assert same(watched, poisson(KEY, 3.5, 100, dtype=F64))


def test_numbers_of_one_parameter_compile_whole() -> None:
    def drawn(key: Tensor) -> Tensor:
        return poisson(key, 3.5, 100) + gamma(key, 2.5, 100)

    compiled = torch.compile(drawn, backend="aot_eager", fullgraph=True)
    assert torch.equal(compiled(KEY), drawn(KEY))


def test_the_cpu_computes_for_devices_without_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a device that has nothing at all, in the place of one."""
    monkeypatch.setattr(parametric, "_NARROW", frozenset({"meta"}))
    made = poisson(KEY, torch.ones(3, 4), device="meta")
    assert made.device.type == "meta"
    assert made.shape == (3, 4)


def test_empty_shapes() -> None:
    assert gamma(KEY, 1.0, 0, 3).shape == (0, 3)
    assert dirichlet(KEY, torch.ones(4), 0).shape == (0, 4)
    assert poisson(KEY, torch.ones(0)).shape == (0,)
    assert poisson(KEY, 2.0).shape == ()


NAN, INF = float("nan"), float("inf")
WRONG: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: gamma(KEY, NAN, 3), ValueError, "concentration must be finite, not nan"),
    (
        lambda: gamma(KEY, 0.0, 3),
        ValueError,
        "concentration must be positive, from 2**-1000 to 2**1000, not 0.0",
    ),
    (
        lambda: gamma(KEY, -1, 3),
        ValueError,
        "concentration must be positive, from 2**-1000 to 2**1000, not -1.0",
    ),
    (
        lambda: gamma(KEY, torch.tensor([1.0, -2.0])),
        ValueError,
        "every concentration must be positive, from 2**-1000 to 2**1000, and -2.0 is not",
    ),
    (
        lambda: gamma(KEY, torch.tensor([1.0, INF])),
        ValueError,
        "every concentration must be positive, from 2**-1000 to 2**1000, and inf is not",
    ),
    (
        lambda: gamma(KEY, 1.0, 3, rate=torch.tensor(NAN)),
        ValueError,
        "every rate must be positive, from 2**-1000 to 2**1000, and nan is not",
    ),
    (lambda: gamma(KEY, "one", 3), TypeError, "concentration must be one number, not 'one'"),
    (
        lambda: gamma(KEY, torch.ones(2, dtype=torch.complex64)),
        TypeError,
        "concentration must be real numbers, not torch.complex64",
    ),
    (
        lambda: gamma(KEY, 1.0, 3, dtype=torch.int32),
        TypeError,
        "gamma draws float16, bfloat16, float32, float64, not torch.int32",
    ),
    (
        lambda: gamma(KEY, torch.ones(4), 3),
        ValueError,
        "parameters of the shape (4,) do not broadcast to (3,)",
    ),
    (
        lambda: gamma(KEY, torch.ones(2, 3), 3),
        ValueError,
        "parameters of the shape (2, 3) do not broadcast to (3,)",
    ),
    (lambda: gamma(KEY, 1.0, -3), ValueError, "sizes must not be negative: (-3,)"),
    (
        lambda: gamma(1.0, KEY, 3),
        TypeError,
        "a key comes first: samebits.random.key(seed), or one derived from it; got 1.0",
    ),
    (
        lambda: gamma(KEY, 1.0, 3, out=torch.empty(4)),
        ValueError,
        "out has the shape (4,), but (3,) was asked for",
    ),
    (
        lambda: gamma(KEY, 1.0, 3, shard=((2,), (2,))),
        ValueError,
        "shard=(start, shape) must lie within the whole's shape (3,): got start=(2,), shape=(2,)",
    ),
    (
        lambda: gamma(KEY, 1.0, 3, shard=torch.ones(2)),
        TypeError,
        "gamma draws a shard=(start, shape), not that of a tensor",
    ),
    (lambda: beta(KEY, 1.0, 0.0, 3), ValueError, "b must be positive, from 2**-1000 to 2**1000, not 0.0"),
    (
        lambda: dirichlet(KEY, 1.0, 3),
        TypeError,
        "concentration must be a tensor of shape (..., classes), not 1.0",
    ),
    (
        lambda: dirichlet(KEY, torch.ones(3, 0)),
        ValueError,
        "concentration must have the shape (..., classes), not (3, 0)",
    ),
    (lambda: poisson(KEY, -1.0, 3), ValueError, "rate must be from 0 to 2**1000, not -1.0"),
    (
        lambda: poisson(KEY, torch.tensor([NAN])),
        ValueError,
        "every rate must be from 0 to 2**1000, and nan is not",
    ),
    (lambda: binomial(KEY, 2.5, 0.5, 3), ValueError, "trials must be whole, from 0 to 2**53, not 2.5"),
    (
        lambda: binomial(KEY, torch.tensor([3.0, 1e20]), 0.5),
        ValueError,
        f"every trials must be whole, from 0 to 2**53, and {torch.tensor(1e20).item()} is not",
    ),
    (lambda: binomial(KEY, 3, 1.5, 3), ValueError, "p must be a probability, from 0 to 1, not 1.5"),
    (
        lambda: geometric(KEY, 3, p=0.0),
        ValueError,
        "p must be a probability above 0 (at least 2**-1000), not 0.0",
    ),
    (lambda: cauchy(KEY, 3, sigma=0.0), ValueError, "sigma must be finite and greater than 0, not 0.0"),
    (lambda: log_normal(KEY, 3, std=-1.0), ValueError, "std must be finite and at least 0, not -1.0"),
]


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_errors_say_what_is_wrong(case: int) -> None:
    call, kind, text = WRONG[case]
    with pytest.raises(kind) as raised:
        call()
    assert str(raised.value) == text


KNOWN: dict[str, list[str]] = {
    "gamma": ["0x1.6b6f7f0615c25p-8", "0x1.37b84d31165d9p-9", "0x1.0ad7d51b8aa07p-9"],
    "gamma above 1": ["0x1.48b5e5f753bb6p+1", "0x1.6e9003b356905p+0", "0x1.301d984a6d48dp+0"],
    "beta": ["0x1.20d42a5617152p-4", "0x1.ddfd32684f18fp-6", "0x1.f374bfe265ccep-4"],
    "dirichlet": ["0x1.d083dcb7a16e4p-7", "0x1.80b8c7f9b3f53p-1", "0x1.e014a24db6144p-3"],
    "poisson": ["0x1.0000000000000p+3", "0x1.8000000000000p+2", "0x1.4000000000000p+2"],
    "poisson of many": ["0x1.3200000000000p+10", "0x1.2940000000000p+10", "0x1.2cc0000000000p+10"],
    "binomial": ["0x1.0000000000000p+3", "0x1.8000000000000p+2", "0x1.4000000000000p+2"],
    "binomial of many": ["0x1.b6a0000000000p+11", "0x1.bac0000000000p+11", "0x1.b920000000000p+11"],
    "geometric": ["0x1.6000000000000p+5", "0x1.4000000000000p+4", "0x1.e000000000000p+3"],
    "cauchy": ["-0x1.f64637126d453p+6", "0x1.57c1c6e2675a3p+3", "-0x1.309537353ba72p+2"],
    "log_normal": ["0x1.2d0ac9e8825cfp+0", "0x1.4baa82870401ap-1", "0x1.188a55b6a2198p-1"],
}


@pytest.mark.parametrize("name", ALL)
def test_known_answers(name: str) -> None:
    """Kept for ever."""
    assert [x.hex() for x in ALL[name](keys.key(42), 3, dtype=F64).flatten()[:3].tolist()] == KNOWN[name]
