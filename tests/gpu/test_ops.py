"""Every operation of the table on CUDA: right, the same in 200 runs, and nothing raises under torch's flag.

Without a CUDA device this is skipped; `SAMEBITS_OPS_DEVICE=cpu` runs the same file on the CPU, which says
nothing about CUDA.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import torch

from samebits.determinism.overrides import InstalledOverrides
from samebits.ops import OPERATIONS
from samebits.ops.case import Case, Maker, Size

from ..ops.contract import (
    Change,
    cases,
    channels_last,
    expected,
    installed,
    parted,
    results,
    rows,
    same_bits,
    settled,
    strided,
    supported,
    transposed,
    worst,
)

DEVICE = os.environ.get("SAMEBITS_OPS_DEVICE", "cuda")
RUNS = 200
NARROW = (torch.float32, torch.bfloat16, torch.float16)

pytestmark = [
    pytest.mark.skipif(
        DEVICE == "cuda" and not torch.cuda.is_available(),
        reason="needs a CUDA device; SAMEBITS_OPS_DEVICE=cpu runs it on the CPU",
    ),
    pytest.mark.usefixtures("which_device"),
]


@pytest.fixture(scope="module")
def which_device(record_testsuite_property: object) -> None:
    if DEVICE == "cpu":
        print("on the CPU: nothing here is claimed for CUDA")


@pytest.fixture
def flag() -> Iterator[None]:
    """torch's own switch: whatever torch has no deterministic kernel for raises, unless ours answers."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(before)


each = pytest.mark.parametrize("case", cases(DEVICE), ids=lambda case: case.name)
derivable = pytest.mark.parametrize(
    "case", [case for case in cases(DEVICE) if case.derivatives], ids=lambda case: case.name
)


@pytest.mark.usefixtures("flag")
@each
def test_nothing_raises_and_200_runs_are_the_same(case: Case) -> None:
    task = parted(case, torch.float32, DEVICE)
    with InstalledOverrides(rows(DEVICE), DEVICE):
        first = results(case, task)
        assert all(same_bits(results(case, task), first) for _ in range(RUNS))


@pytest.mark.usefixtures("flag")
@pytest.mark.parametrize("dtype", [torch.float64, *NARROW], ids=str)
@each
def test_no_dtype_raises_that_torch_takes(case: Case, dtype: torch.dtype) -> None:
    task = parted(case, dtype, DEVICE)
    torch.use_deterministic_algorithms(False)
    native = supported(case, task)
    torch.use_deterministic_algorithms(True)
    with InstalledOverrides(rows(DEVICE), DEVICE):
        ours = supported(case, task)
    assert (ours is None) == (native is None)


@pytest.mark.parametrize("dtype", NARROW, ids=str)
@each
def test_errors_are_within_twice_those_of_torch(case: Case, dtype: torch.dtype) -> None:
    task = parted(case, dtype, DEVICE)
    native = supported(case, task)
    if native is None:
        return
    reference = results(case, parted(case, torch.float64, DEVICE, rounded=dtype))
    with installed(case.schemas, DEVICE):
        ours = results(case, task)
    kept = (settled(case, dtype, values) for values in (ours, native, reference))
    for mine, theirs, exact in zip(*kept, strict=True):
        assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
        ulp = torch.finfo(dtype).eps * float(exact.abs().max()) if exact.numel() else 0.0
        assert worst(mine, exact) <= 2 * worst(theirs, exact) + ulp


@pytest.mark.usefixtures("generators_restored")
@derivable
def test_gradients_are_derivatives(case: Case) -> None:
    torch.manual_seed(4)  # gradcheck draws what it multiplies by
    task = case.task(Size.TINY, Maker(torch.float64, DEVICE))
    inputs = [x.requires_grad_() for x in task.inputs]
    with expected(case), installed(case.schemas, DEVICE):
        assert torch.autograd.gradcheck(task.call, inputs)
        if case.derivatives > 1:
            assert torch.autograd.gradgradcheck(task.call, inputs, fast_mode=True)


@pytest.mark.parametrize("layout", [channels_last, transposed, strided], ids=lambda layout: layout.__name__)
@each
def test_the_layout_in_memory_changes_no_value(case: Case, layout: Change) -> None:
    task = parted(case, torch.float32, DEVICE)
    with installed(case.schemas, DEVICE):
        other = supported(case, task, layout)
        assert other is None or same_bits(results(case, task), other)


@each
def test_cuda_and_the_cpu_give_what_float64_gives(case: Case) -> None:
    """Where the kernels differ from the definition in plain torch, it is by rounding alone."""
    task, there = parted(case, torch.float64, DEVICE), parted(case, torch.float64, "cpu")
    with installed(case.schemas, DEVICE):
        ours = results(case, task)
    for mine, native in zip(ours, results(case, there), strict=True):
        torch.testing.assert_close(mine.cpu(), native)


def test_every_row_of_the_device_is_reached() -> None:
    reached = {schema for case in cases(DEVICE) for schema in case.schemas}
    reached.add("aten::cudnn_grid_sampler_backward")  # torch chooses it by itself
    assert {row.schema for row in rows(DEVICE)} <= reached
    assert len(rows(DEVICE)) > len(OPERATIONS) / 2
