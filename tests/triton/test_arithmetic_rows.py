"""What CUDA computes otherwise than a CPU has the CPU's bits."""

from __future__ import annotations

import pytest
import torch

from samebits.arithmetic._triton.rows import ROWS, div

from .arithmetic import as_hardware, same

BY_SCHEMA = {row.schema: row.function for row in ROWS}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("divisor", [3.0, 0.1, -7.0, 0.0, 5])
def test_quotients_by_numbers(dtype: torch.dtype, divisor: float) -> None:
    x = torch.randn(30, 40, generator=torch.Generator().manual_seed(2)).to(dtype)
    for laid in (x, x.t(), x[:, ::3]):
        with as_hardware():
            got = div(laid, torch.tensor(divisor, dtype=torch.float64))
        assert same(got, laid / divisor)
    assert div(x, x) is NotImplemented
    assert div(x.int(), torch.tensor(divisor)) is NotImplemented


def test_lists_are_computed_one_by_one() -> None:
    generator = torch.Generator().manual_seed(3)
    first, second = ([torch.randn(n, generator=generator) for n in (3, 50)] for _ in range(2))
    want = [a.add(b, alpha=0.3) for a, b in zip(first, second, strict=True)]
    got = BY_SCHEMA["aten::_foreach_add.List"](first, second, alpha=0.3)
    assert all(same(*pair) for pair in zip(got, want, strict=True))
    assert BY_SCHEMA["aten::_foreach_add_.List"](first, second, alpha=0.3) is None
    assert all(same(*pair) for pair in zip(first, want, strict=True))


def test_which_lists() -> None:
    assert {
        "aten::_foreach_addcmul_.Scalar",
        "aten::_foreach_lerp_.Scalar",
        "aten::_foreach_norm.Scalar",
    } <= set(BY_SCHEMA)
