"""Functions and operations on elements in Triton give the bits of the C kernels."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from samebits.arithmetic import core, elementwise
from samebits.arithmetic._triton import elementwise as on_cuda
from samebits.arithmetic.build import NATIVE

from .arithmetic import as_hardware, same

DTYPES = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
#: Name -> how many inputs.
OPERATIONS = {
    name: int(inputs)
    for name, inputs in re.findall(
        r"^\s*(?:#define \w+\(X\) )?X\((\w+), (\d)", (NATIVE / "elementwise.h").read_text(), re.MULTILINE
    )
} | {"cos": 1, "tan": 1}
#: Exact on every device, and so torch's own on CUDA.
EXACT = {"fmod", "remainder"}
_INTEGERS = {2: torch.int16, 4: torch.int32, 8: torch.int64}


def numbers(dtype: torch.dtype, count: int) -> Tensor:
    """Usual ones, any bits, and the ends."""
    generator = torch.Generator().manual_seed(count)
    info = torch.finfo(dtype)
    usual = torch.randn(count, generator=generator, dtype=torch.float64)
    bits = torch.randint(-(2**63), 2**63 - 1, (count,), generator=generator)
    shifted = bits >> (64 - info.bits)
    inf, nan, least = float("inf"), float("nan"), info.tiny * info.eps
    ends = [
        0.0,
        -0.0,
        1,
        -1,
        inf,
        -inf,
        nan,
        info.tiny,
        -info.tiny,
        info.max,
        least,
        -least,
        0.5,
        2,
        3,
        20,
        -20,
    ]
    return torch.cat(
        (
            *(usual.to(dtype) * scale for scale in (1, 10, 0.001)),
            shifted.to(_INTEGERS[info.bits // 8]).view(dtype),
            torch.tensor(ends, dtype=torch.float64).to(dtype),
        )
    )


def test_all_operations_are_listed() -> None:
    assert set(OPERATIONS) == set(elementwise._numbers())
    assert Path(on_cuda.__file__).exists()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - EXACT))
def test_bits_of_the_c_kernels(name: str, dtype: torch.dtype) -> None:
    a = numbers(dtype, 400)
    generator = torch.Generator().manual_seed(1)
    others = [a[torch.randperm(len(a), generator=generator)] for _ in range(2)]
    inputs = (a, *others)[: OPERATIONS[name]]
    want, got = torch.empty_like(a), torch.empty_like(a)
    for p in ((0.7, 1.3, 2.0), (-1.0, 20.0, 1.0)):
        elementwise.Loop(name)._run(want, inputs, core.DTYPES[dtype], p)
        with as_hardware():
            on_cuda.run(name, got, inputs, p)
        assert same(got, want)


def test_a_result_may_be_an_input() -> None:
    a = numbers(torch.float32, 700)
    want = torch.empty_like(a)
    with as_hardware():
        on_cuda.run("exp", want, (a,))
        on_cuda.run("exp", a, (a,))
    assert same(a, want)
