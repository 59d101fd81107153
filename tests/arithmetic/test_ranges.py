"""Evenly spaced numbers: as defined, exact at both ends, torch's lengths and errors."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
from torch import Tensor

from samebits.arithmetic import elementwise, ranges
from samebits.arithmetic.reference.rounding import fma

from .everywhere import check, same
from .replaced import replaced

ROWS = (*ranges.ROWS, *elementwise.ROWS)
SPANS = [
    *((0.0, 1.0, 5), (0.1, 0.7, 1000), (-3.0, 7.0, 33), (1.0, -1.0, 8), (2.5, 9.0, 1), (0.0, 1.0, 0)),
    (0.0, 0.15, 12),
]


def _spaced(start: float, end: float, n: int) -> np.ndarray:
    step = (end - start) / (n - 1) if n > 1 else 0.0
    i, half = np.arange(n, dtype=np.float64), n // 2 if n > 1 else n
    low = fma(np.float64(step), i, np.float64(start))
    high = fma(np.float64(step), i - (n - 1), np.float64(end))
    return np.where(i < half, low, high)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("span", SPANS)
def test_linspace_as_defined(span: tuple[float, float, int], dtype: torch.dtype) -> None:
    want = torch.from_numpy(_spaced(*span)).to(dtype)
    native = torch.linspace(*span, dtype=dtype)
    with replaced(ROWS):
        check(want, torch.linspace, *span, dtype=dtype)
        assert same(torch.linspace(*span, dtype=dtype, out=torch.empty(0, dtype=dtype)), want)
        ours = torch.logspace(*span, dtype=dtype)
    torch.testing.assert_close(want, native)
    torch.testing.assert_close(ours.double(), 10.0 ** torch.from_numpy(_spaced(*span)), rtol=1e-6, atol=0)
    if span[2] > 1:
        assert want[0].item() == torch.tensor(span[0], dtype=dtype).item()
        assert want[-1].item() == torch.tensor(span[1], dtype=dtype).item()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize(
    "span", [(0.0, 1.0, 0.1), (0.1, 2.0, 0.3), (5.0, -1.0, -0.7), (0.0, 300.0, 1.0), (1.0, 1.0, 0.5)]
)
def test_arange_as_defined(span: tuple[float, float, float], dtype: torch.dtype) -> None:
    native = torch.arange(*span, dtype=dtype)
    i = np.arange(len(native), dtype=np.float64)
    want = torch.from_numpy(fma(np.float64(span[2]), i, np.float64(span[0]))).to(dtype)
    with replaced(ROWS):
        ours = torch.arange(*span, dtype=dtype)
    assert ours.dtype == dtype
    assert same(ours.float(), want.float())
    torch.testing.assert_close(ours, native)


def test_every_number_is_rounded_once() -> None:
    with replaced(ROWS):
        x = torch.arange(0.1, 100.0, 0.7)
    for i in (1, 7, 100):
        exact = Fraction(0.1) + i * Fraction(0.7)
        assert x[i].item() == float(np.float32(float(exact)))


def test_integers_are_torchs() -> None:
    with replaced(ROWS):
        assert torch.arange(5).equal(torch.tensor([0, 1, 2, 3, 4]))
        assert torch.arange(1, 7, 2).tolist() == [1, 3, 5]
        assert torch.linspace(0, 10, 5, dtype=torch.int64).tolist() == [0, 2, 5, 7, 10]
        assert torch.linspace(torch.tensor(0.0), 1.0, 3).tolist() == [0, 0.5, 1]
        assert torch.arange(3.0, out=torch.empty(3)).tolist() == [0, 1, 2]


def test_errors_are_torchs() -> None:
    refused: tuple[Callable[[], Tensor], ...] = (
        lambda: torch.linspace(0, 1, -1),
        lambda: torch.arange(0.0, 1.0, 0.0),
        lambda: torch.arange(0.0, -1.0, 0.1),
        lambda: torch.arange(0.0, float("inf"), 0.1),
    )
    for wrong in refused:
        with replaced(ROWS), pytest.raises(RuntimeError):
            wrong()
