"""The random kernels under Triton's interpreter: the bits of plain torch and of the C core."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest
import torch
from tests.deep import only
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.random import core
from samebits.random.fill import fill
from samebits.random.one_word import Distribution, Parameters
from samebits.random.shards import Part

from .distributions import FEW, KEY, PARTS, TRILLION, cases, key

#: The interpreter's numpy says of infinity times 0 what a GPU does not.
pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered in multiply:RuntimeWarning")


few = pytest.mark.parametrize(
    ("distribution", "dtype", "parameters"),
    [pytest.param(*case, id=f"{case[0].name}-{case[1]}") for case in FEW],
)


def bits(x: Tensor) -> Tensor:
    """In which numbers that are none are all one."""
    if x.is_floating_point():
        x = torch.where(x.isnan(), torch.nan, x)
    return x.contiguous().view(torch.uint8)


def check(
    distribution: Distribution, dtype: torch.dtype, parameters: Parameters, shape: tuple[int, ...],
    keys: Tensor = KEY, part: Part | None = None,
) -> Tensor:  # fmt: skip
    """Draw with the kernels, plain torch and the core, in the midst of memory that is to stay as it is."""
    source = masked(shape, dtype) if distribution is Distribution.DROPOUT else None
    size = torch.Size(shape).numel()
    memory = torch.full((size + 64,), 77, dtype=dtype)
    found = memory[32 : 32 + size].view(shape)
    assert fill(found, distribution, keys, parameters, part, source) is found
    assert (memory[:32] == memory[:1]).all()
    assert (memory[-32:] == memory[:1]).all()
    assert memory[0] == torch.tensor(77).to(dtype)
    tiers = ["eager", *(["core"] if core.load() is not None else [])]
    for tier in tiers:
        with pytest.MonkeyPatch.context() as patch, core.using("eager") if tier == "eager" else nullcontext():
            patch.setattr(triton_launch, "triton_for", lambda tensor: False)
            expected = fill(torch.empty(shape, dtype=dtype), distribution, keys, parameters, part, source)
        assert torch.equal(bits(found), bits(expected)), tier
    return found


def masked(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """What dropout is given: also what is not finite, and numbers below all normal ones."""
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    flat = x.view(-1)
    odd = [torch.inf, -torch.inf, torch.nan, -0.0, torch.finfo(dtype).smallest_normal / 4]
    flat[: len(odd)] = torch.tensor(odd, dtype=torch.float64).to(dtype)[: flat.numel()]
    return x


@pytest.mark.parametrize(
    ("distribution", "dtype"),
    [
        pytest.param(*each, id=f"{each[0].name}-{each[1]}")
        for each in dict.fromkeys(case[:2] for case in cases())
    ],
)
def test_numbers_are_those_of_plain_torch_and_of_the_core(
    distribution: Distribution, dtype: torch.dtype
) -> None:
    found = [check(*case, (2500,)) for case in cases() if case[:2] == (distribution, dtype)]
    numbers = found[0].view(torch.uint8).view(2500, -1).unique(dim=0)
    assert distribution is Distribution.BERNOULLI or len(numbers) > 100


@pytest.mark.parametrize("count", only([3, 5, 1025], [1, 3, 4, 5, 1023, 1025, 2049]))
@few
def test_tails(distribution: Distribution, dtype: torch.dtype, parameters: Parameters, count: int) -> None:
    check(distribution, dtype, parameters, (count,))


@pytest.mark.parametrize(
    "first", only([2, TRILLION + 3], [1, 2, (1 << 34) - 5, TRILLION + 3, (1 << 63) - 5000])
)
@few
def test_a_run_that_begins_later(
    distribution: Distribution, dtype: torch.dtype, parameters: Parameters, first: int
) -> None:
    check(distribution, dtype, parameters, (2500,), part=Part(first, (2500,), (1,)))


@few
def test_a_run_is_a_piece_of_the_whole(
    distribution: Distribution, dtype: torch.dtype, parameters: Parameters
) -> None:
    if distribution is Distribution.DROPOUT:
        pytest.skip("its source differs")
    all = check(distribution, dtype, parameters, (5000,))
    for first, count in ((1, 2100), (2047, 9), (4099, 901)):
        piece = torch.empty(count, dtype=dtype)
        fill(piece, distribution, KEY, parameters, Part(first, (count,), (1,)))
        assert torch.equal(piece, all[first : first + count])


@pytest.mark.parametrize("which", list(PARTS))
@few
def test_parts(distribution: Distribution, dtype: torch.dtype, parameters: Parameters, which: str) -> None:
    given = PARTS[which]
    check(distribution, dtype, parameters, (given.count,), part=given)
    many = key(1, 2, 3, 4, 5, (1 << 64) - 1)
    check(distribution, dtype, parameters, (3, given.count), many, given)


@pytest.mark.parametrize("offset", [(1 << 64) - 300, (1 << 63) - 1, (1 << 32) - 2])
@few
def test_counters_wrap(
    distribution: Distribution, dtype: torch.dtype, parameters: Parameters, offset: int
) -> None:
    one = key((1 << 64) - 3, offset)
    check(distribution, dtype, parameters, (2500,), one)
    check(distribution, dtype, parameters, (2500,), one, Part(TRILLION + 1, (2500,), (1,)))
    check(distribution, dtype, parameters, (2, 300), torch.stack((one, one)), Part(TRILLION, (300,), (2,)))


@pytest.mark.parametrize("count", only([3, 2049], [3, 2047, 2049]))
@few
def test_many_keys(
    distribution: Distribution, dtype: torch.dtype, parameters: Parameters, count: int
) -> None:
    many = key(*range(1, 9)).view(2, 2, 2)
    found = check(distribution, dtype, parameters, (2, 2, count), many)
    check(distribution, dtype, parameters, (2, 2, count), many.transpose(0, 1).contiguous().transpose(0, 1))
    check(distribution, dtype, parameters, (2, 2, count), many, Part(3, (count,), (1,)))
    if distribution is not Distribution.DROPOUT:
        one = torch.empty(count, dtype=dtype)
        assert torch.equal(fill(one, distribution, many[1, 0], parameters), found[1, 0])


def test_more_elements_than_32_bits_count_are_counted_in_64(monkeypatch: pytest.MonkeyPatch) -> None:
    from samebits.random._triton import fill as module

    monkeypatch.setattr(module, "NARROW", 0)
    for distribution, dtype, parameters in FEW:
        check(distribution, dtype, parameters, (3, 221), key(1, 2, 3, 4, 5, 6), PARTS["rows and columns"])


def test_the_layout_changes_no_number() -> None:
    out = torch.zeros(30, 40).t()
    fill(out, Distribution.NORMAL, KEY, Parameters())
    assert torch.equal(out.reshape(-1), check(Distribution.NORMAL, torch.float32, Parameters(), (1200,)))


def test_the_kernels_draw_what_is_asked_of_them() -> None:
    """Who compares a tier with itself finds no fault."""
    from .launches import Launches

    with Launches() as noted:
        fill(torch.empty(4), Distribution.UNIFORM, KEY, Parameters())
    assert [json.loads(line)["kernel"] for line in noted.found] == ["_run"]
