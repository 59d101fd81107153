"""Every kernel compiles for GPUs as it is launched: the interpreter takes much that a compiler refuses."""

from __future__ import annotations

import json
import warnings
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import samebits.ops._triton
import samebits.ops.primitives._triton
from samebits._runtime.kernels import has_kernel
from samebits.determinism.overrides import InstalledOverrides
from samebits.ops.case import Maker, Size
from samebits.ops.cases import CASES
from samebits.ops.roi_align import _ps_roi_align_backward, _roi_align_backward

from .targets import compile_for, faults, kernels

KERNELS = kernels(samebits.ops._triton) | kernels(samebits.ops.primitives._triton)
DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
#: As `compiled` takes them: what is before the code itself is one for all.
TARGETS = (("80",), pytest.param(("90", "every"), marks=pytest.mark.deep))


def reached() -> None:
    """All public calls on small data; torch's CPU lacks some narrow types that CUDA has."""
    for case, dtype in product(CASES, DTYPES):
        if not all(has_kernel(schema, "cpu") for schema in case.schemas):
            continue
        task = case.task(Size.TINY, Maker(dtype))
        inputs = [x.requires_grad_(case.differentiable) for x in task.inputs]
        try:
            result = task.call(*inputs)
            if case.backward:
                result.sum().backward()
        except NotImplementedError:
            assert dtype in (torch.bfloat16, torch.float16)


def one_gradient() -> None:
    """Of two that a kernel can make at once."""
    for image in (True, False):
        x, grid = (
            torch.ones(1, 1, 3, 4).requires_grad_(image),
            torch.zeros(1, 3, 4, 2).requires_grad_(not image),
        )
        F.grid_sample(x, grid, align_corners=False).sum().backward()


def of_regions() -> None:
    """torchvision's operations, which need not be there."""
    for dtype, ratio in product(DTYPES, (-1, 2)):
        grad, rois = torch.ones(6, 3, 2, 1, dtype=dtype), torch.ones(6, 5, dtype=dtype)
        _roi_align_backward(grad, rois, 0.9, 2, 1, 2, 3, 7, 9, ratio, True)
        mapping = torch.arange(6, dtype=torch.int32).view(3, 2, 1).expand(grad.shape).contiguous()
        _ps_roi_align_backward(grad, rois, mapping, 0.9, 2, 1, ratio, 2, 6, 7, 9)


def large() -> None:
    """What only large data reach: other constants, and numbers of 64 bits."""
    from samebits.ops._triton import ctc, histogram, select
    from samebits.ops.primitives._triton import gather, windows

    def meta(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.empty(shape, dtype=dtype, device="meta")

    index, count = meta(1 << 16, 2, dtype=torch.int64), meta(1 << 16, dtype=torch.int64)
    gather.gather(meta(1, 1 << 15, 1 << 17), meta(1, 1 << 16, 1 << 17), index, count, meta(1 << 16, 2), 3)
    dimensions = [(1 << 16, 1 << 15, 1, 0, 0, 2)] * 2
    windows.averaged(meta(1, 1 << 15, 1 << 15), meta(1, 1 << 16, 1 << 16), dimensions, (2, 2), 1)
    windows.chosen(
        meta(1, 1 << 15, 1 << 15), meta(1, 1 << 15, 1 << 15, dtype=torch.int64),
        meta(1, 1 << 16, 1 << 16), dimensions, (2, 2), 1,
    )  # fmt: skip
    select.place(meta(1 << 20, select.LONGEST), False)
    select.place(meta(3, select.LONGEST, dtype=torch.int64), False)
    histogram.histc(meta(1 << 33), 1 << 20, 0.0, 1.0, 1.0)
    row = 3 * ctc.BLOCK
    ctc.posteriors(meta(3, 4, 2 * row), meta(2 * row), meta(2, row), meta(2, dtype=torch.int64), 0)


@pytest.fixture(scope="module")
def launches() -> list[str]:
    from .launches import Launches

    with warnings.catch_warnings(), InstalledOverrides(device="cpu"), Launches() as noted:
        warnings.simplefilter("ignore")  # of torch's functions that are deprecated or in beta
        reached()
        one_gradient()
        of_regions()
        large()
    return sorted(noted.found)


@pytest.fixture(scope="module", params=TARGETS, ids="-".join)
def compiled(
    request: pytest.FixtureRequest, launches: list[str], tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    return compile_for(request.param, launches, tmp_path_factory.mktemp("compiled"))


def test_no_kernel_is_left_out(launches: list[str]) -> None:
    assert KERNELS
    assert {(noted["module"], noted["kernel"]) for noted in map(json.loads, launches)} == KERNELS


def test_kernels_compile_and_round_as_they_are_written(launches: list[str], compiled: list[str]) -> None:
    assert len(compiled) > len(KERNELS)
    assert faults(compiled) == {}
