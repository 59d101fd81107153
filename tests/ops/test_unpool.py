"""Max unpooling through unmodified calls: torch's values, the last of several, and torch's errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.determinism.overrides import InstalledOverrides
from samebits.model.operators import OPERATIONS

ROWS = [row for row in OPERATIONS if row.file == "unpool"]
aten = torch.ops.aten


@pytest.fixture(autouse=True, scope="module")
def eager() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triton_launch, "triton_for", lambda tensor: False)
        yield


def ours(call: Callable[..., Any], *args: Any) -> Any:
    torch.use_deterministic_algorithms(True)
    try:
        with InstalledOverrides(ROWS, "cpu"):
            return call(*args)
    finally:
        torch.use_deterministic_algorithms(False)


def pooled(shape: tuple[int, ...], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    return (F.max_pool2d, F.max_pool3d)[x.dim() - 4](x, 2, return_indices=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("shape", [(2, 3, 8, 10), (1, 1, 2, 2), (0, 3, 4, 4), (2, 3, 4, 6, 8)])
@pytest.mark.parametrize("batched", [True, False])
def test_values_and_formats_are_torchs(dtype: torch.dtype, shape: tuple[int, ...], batched: bool) -> None:
    values, indices = pooled(shape, dtype)
    call = (F.max_unpool2d, F.max_unpool3d)[len(shape) - 4]
    formats = [torch.contiguous_format, (torch.channels_last, torch.channels_last_3d)[len(shape) - 4]]
    for memory in formats if batched else formats[:1]:
        x, index = (y.contiguous(memory_format=memory) for y in (values, indices))
        if not batched:
            if not shape[0]:
                return
            x, index = x[0], index[0]
        result, native = ours(call, x, index, 2), call(x, index, 2)
        assert torch.equal(result, native)
        assert result.stride() == native.stride()


def test_one_dimension_and_what_lies_outside_the_windows() -> None:
    x, index = torch.tensor([[5.0, -0.0, torch.nan]]), torch.tensor([[1, 2, 5]])
    result = ours(lambda: F.max_unpool1d(x, index, 2, output_size=[7]))
    assert torch.equal(result.nan_to_num(9), torch.tensor([[0, 5, 0, 0, 0, 9, 0]]))
    assert result.signbit()[0, 2]


@pytest.mark.parametrize("dims", [2, 3])
def test_the_last_of_several_stays(dims: int) -> None:
    x = torch.arange(1.0, 2 * 4**dims + 1).view(1, 2, *[4] * dims)
    index = torch.randint(5, x.shape, generator=torch.Generator().manual_seed(1))
    result = ours((F.max_unpool2d, F.max_unpool3d)[dims - 2], x, index, 2).flatten(2)
    want = torch.zeros_like(result)
    for channel in range(2):
        for place, value in zip(index[0, channel].flatten().tolist(), x[0, channel].flatten(), strict=True):
            want[0, channel, place] = value
    assert torch.equal(result, want)


def test_gradients_are_torchs() -> None:
    x, index = pooled((2, 3, 6, 6), torch.float64)
    x.requires_grad_()
    assert ours(lambda: torch.autograd.gradcheck(lambda y: F.max_unpool2d(y, index, 2), x))


def test_out() -> None:
    x, index = pooled((2, 3, 6, 6), torch.float32)
    into = torch.empty(0)
    ours(lambda: torch._C._nn.max_unpool2d(x, index, (6, 6), out=into))
    assert torch.equal(into, F.max_unpool2d(x, index, 2))


@pytest.mark.parametrize("wrong", [-3, 64])
@pytest.mark.parametrize("dims", [2, 3])
def test_an_index_outside_is_torchs_error(dims: int, wrong: int) -> None:
    x = torch.ones(1, 1, *[2] * dims)
    index = torch.full(x.shape, wrong)
    call = (F.max_unpool2d, F.max_unpool3d)[dims - 2]
    with pytest.raises(RuntimeError) as theirs:
        call(x, index, 2)
    with pytest.raises(RuntimeError) as mine:
        ours(call, x, index, 2)
    assert str(mine.value) == str(theirs.value)


BAD: dict[str, Callable[[Tensor, Tensor], Any]] = {
    "another shape": lambda x, i: aten.max_unpool2d(x, i[:, :1], (4, 4)),
    "an index of 32 bits": lambda x, i: aten.max_unpool2d(x, i.int(), (4, 4)),
    "too few dimensions": lambda x, i: aten.max_unpool2d(x[0, 0], i[0, 0], (4, 4)),
    "an output of three sizes": lambda x, i: aten.max_unpool2d(x, i, (4, 4, 4)),
    "whole numbers": lambda x, i: aten.max_unpool2d(x.int(), i, (4, 4)),
    "no stride": lambda x, i: aten.max_unpool3d(x, i, (1, 4, 4), (0, 1, 1), (0, 0, 0)),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_errors_are_torchs(name: str) -> None:
    x, index = torch.ones(1, 2, 2, 2), torch.zeros(1, 2, 2, 2, dtype=torch.int64)
    with pytest.raises(Exception) as theirs:
        BAD[name](x, index)
    with InstalledOverrides(ROWS, "cpu"), pytest.raises(type(theirs.value)) as mine:
        BAD[name](x, index)
    assert str(mine.value) == str(theirs.value)
