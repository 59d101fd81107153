"""Every operation of the table by unmodified calls, on the CPU: right, repeatable, and gone afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from samebits._runtime.kernels import has_kernel
from samebits.determinism.overrides import InstalledOverrides
from samebits.ops import OPERATIONS
from samebits.ops.case import Case, Maker, Size, Task
from samebits.ops.cases import CASES

from .contract import (
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
    threads,
    transposed,
    worst,
)

DEVICE = "cpu"
NARROW = (torch.float32, torch.bfloat16, torch.float16)

#: Rows that no CPU kernel stands behind, and where they are tested instead.
NOT_HERE = {
    "aten::cudnn_grid_sampler_backward": "cuDNN's; tests/gpu reaches it on CUDA",
}
#: Rows whose function leaves the CPU to torch, and why.
TORCHS_OWN = {
    "aten::scatter_.src": "one thread keeps the last write",
}


@pytest.fixture(autouse=True)
def one_thread(leaves_nothing_behind: None) -> Iterator[None]:
    """torch's own kernels are stable on one thread, and small data are faster."""
    with threads(1):
        yield


each = pytest.mark.parametrize("case", cases(DEVICE), ids=lambda case: case.name)
derivable = pytest.mark.parametrize(
    "case", [case for case in cases(DEVICE) if case.derivatives], ids=lambda case: case.name
)


def test_every_row_has_a_case() -> None:
    reached = {schema for case in CASES for schema in case.schemas}
    assert {row.schema for row in OPERATIONS} - reached == NOT_HERE.keys()
    assert not reached - {row.schema for row in OPERATIONS}


def test_what_is_not_tested_here_is_not_here() -> None:
    missing = {row.schema for row in OPERATIONS if not has_kernel(row.schema, DEVICE)}
    absent = {schema for schema in missing if schema.startswith("torchvision::")}
    newer = {"aten::_upsample_lanczos2d_aa_backward"}
    assert missing - absent - newer == NOT_HERE.keys()


def test_names_are_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def test_the_whole_table_at_once() -> None:
    chosen = [case for case in cases(DEVICE) if case.name in ("interpolate bilinear", "cumprod", "put")]
    tasks = [parted(case, torch.float32, DEVICE) for case in chosen]
    with threads(1):
        before = [results(case, task) for case, task in zip(chosen, tasks, strict=True)]
        with InstalledOverrides(rows(DEVICE), DEVICE):
            assert len([results(case, task) for case, task in zip(chosen, tasks, strict=True)]) == 3
        after = [results(case, task) for case, task in zip(chosen, tasks, strict=True)]
    assert all(same_bits(*pair) for pair in zip(before, after, strict=True))


@each
def test_ours_answers_and_is_gone_afterwards(case: Case) -> None:
    task = parted(case, torch.float32, DEVICE)
    with threads(1):
        before = results(case, task)
        with installed(case.schemas, DEVICE) as counted:
            results(case, task)
        assert all(bool(counted.answers[row]) is (row not in TORCHS_OWN) for row in case.schemas)
        answers = counted.answers.total()
        assert same_bits(results(case, task), before)
        assert counted.answers.total() == answers
        with pytest.raises(KeyError):
            _left_by_an_exception(case, task)
        assert same_bits(results(case, task), before)


def _left_by_an_exception(case: Case, task: Task) -> None:
    with installed(case.schemas, DEVICE):
        results(case, task)
        raise KeyError


def has_second_derivative(call: Callable[..., Tensor], inputs: list[Tensor]) -> bool:
    """Of torch's own: torch 2.11 has none of `grid_sample`."""
    output = call(*inputs)
    (first,) = torch.autograd.grad(output.square().sum(), inputs[:1], create_graph=True)
    try:
        torch.autograd.grad(first.sum(), inputs[:1], allow_unused=True)
    except RuntimeError as error:
        if "derivative for aten::grid_sampler" in str(error):
            return False
        raise
    return True


@pytest.mark.usefixtures("generators_restored")
@derivable
def test_gradients_are_derivatives(case: Case) -> None:
    torch.manual_seed(4)  # gradcheck draws what it multiplies by
    task = case.task(Size.TINY, Maker(torch.float64, DEVICE))
    inputs = [x.requires_grad_() for x in task.inputs]
    with expected(case):
        second = case.derivatives > 1 and has_second_derivative(task.call, inputs)
    with expected(case), installed(case.schemas, DEVICE) as counted:
        assert torch.autograd.gradcheck(task.call, inputs)
        if second:
            assert torch.autograd.gradgradcheck(task.call, inputs, fast_mode=True)
    assert all(bool(counted.answers[row]) is (row not in TORCHS_OWN) for row in case.schemas)


@pytest.mark.parametrize("dtype", NARROW, ids=str)
@each
def test_errors_are_within_twice_those_of_torch(case: Case, dtype: torch.dtype) -> None:
    task = parted(case, dtype, DEVICE)
    with threads(1):
        native = supported(case, task)
        if native is None:
            with installed(case.schemas, DEVICE):
                assert supported(case, task) is None
            return
        reference = results(case, parted(case, torch.float64, DEVICE, rounded=dtype))
    with installed(case.schemas, DEVICE):
        ours = results(case, task)
    kept = (settled(case, dtype, values) for values in (ours, native, reference))
    for mine, theirs, exact in zip(*kept, strict=True):
        assert mine.dtype == theirs.dtype
        assert mine.shape == theirs.shape
        ulp = torch.finfo(dtype).eps * float(exact.abs().max()) if exact.numel() else 0.0
        assert worst(mine, exact) <= 2 * worst(theirs, exact) + ulp


@pytest.mark.parametrize("runs", [5, pytest.param(50, marks=pytest.mark.deep)])
@each
def test_the_same_bits_in_every_run_on_one_thread_and_two(case: Case, runs: int) -> None:
    task = parted(case, torch.float32, DEVICE)
    with installed(case.schemas, DEVICE):
        first = results(case, task)
        for count, tried in ((1, runs // 2), (2, runs - runs // 2)):
            with threads(count):
                for run in range(tried):
                    assert same_bits(results(case, task), first), f"run {run + 1} on {count} threads differs"


@pytest.mark.parametrize("layout", [channels_last, transposed, strided], ids=lambda layout: layout.__name__)
@each
def test_the_layout_in_memory_changes_no_value(case: Case, layout: Change) -> None:
    task = parted(case, torch.float32, DEVICE)
    with threads(1):
        native = supported(case, task, layout)
    with installed(case.schemas, DEVICE):
        plain, other = results(case, task), supported(case, task, layout)
    if native is None or other is None:
        assert native is other
        return
    assert same_bits(plain, other)
    for mine, theirs in zip(other, native, strict=True):
        for memory in (torch.contiguous_format, torch.channels_last, torch.channels_last_3d):
            if mine.ndim == {torch.channels_last: 4, torch.channels_last_3d: 5}.get(memory, mine.ndim):
                assert mine.is_contiguous(memory_format=memory) == theirs.is_contiguous(memory_format=memory)


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@each
def test_vmap_takes_what_it_takes_of_torch(case: Case) -> None:
    pairs = [case.task(Size.TINY, Maker(torch.float64, DEVICE, seed=seed)) for seed in (202004, 3)]
    stacked = [torch.stack(inputs) for inputs in zip(*(task.inputs for task in pairs), strict=True)]
    call = pairs[0].call

    def one(*inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        if not case.differentiable:
            return (call(*inputs),)
        result, back = torch.func.vjp(call, *inputs)
        return result, *back(torch.ones_like(result))

    with expected(case):
        try:
            with threads(1):
                native = torch.vmap(one)(*stacked)
        except (RuntimeError, NotImplementedError, ValueError):
            return
        with installed(case.schemas, DEVICE):
            ours = torch.vmap(one)(*stacked)
    for mine, theirs in zip(ours, native, strict=True):
        torch.testing.assert_close(mine, theirs)


@each
def test_autocast_takes_and_gives_the_dtypes_it_does_with_torch(case: Case) -> None:
    task = parted(case, torch.bfloat16, DEVICE)
    with torch.autocast(DEVICE, torch.bfloat16):
        native = supported(case, task)
        if native is not None:
            with installed(case.schemas, DEVICE):
                ours = results(case, task)
            assert [x.dtype for x in ours] == [x.dtype for x in native]
