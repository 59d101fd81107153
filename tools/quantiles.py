"""Makes src/samebits/random/quantiles.npz: `python -m tools.quantiles PATH`.

Who changes a table changes numbers.

Polynomials through Chebyshev's points, computed to 60 digits with mpmath (which comes
with torch's sympy) and rounded once to the table's dtype.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final

import mpmath
import numpy

from samebits.random.quantile import DOUBLE, SINGLE, QuantileGrid

_DIGITS: Final = 60


def _normal(p: Any) -> Any:
    """Minus the standard normal's quantile: p in (0, 1/2] -> [0, inf)."""
    return mpmath.sqrt(2) * mpmath.erfinv(1 - 2 * p)


def _exponential(p: Any) -> Any:
    """p in (0, 1] -> [0, inf)."""
    return -mpmath.log(p)


#: The distribution, and how much of the range the grid's magnitudes cover.
DISTRIBUTIONS: Final[tuple[tuple[Callable[[Any], Any], Any], ...]] = (
    (_normal, mpmath.mpf("0.5")),
    (_exponential, 1),
)


def table(grid: QuantileGrid) -> numpy.ndarray[Any, Any]:
    """Coefficients, of shape (distributions, degree + 1, rows), ascending in powers of the distance."""
    with mpmath.workdps(_DIGITS):
        made = [
            [_row(grid, row, distribution, span) for row in range(grid.rows)]
            for distribution, span in DISTRIBUTIONS
        ]
    return numpy.array(made, dtype=grid.numpy).transpose(0, 2, 1).copy()


def _row(grid: QuantileGrid, row: int, distribution: Callable[[Any], Any], span: Any) -> list[float]:
    octave, segment = divmod(row, grid.segments)
    width = mpmath.mpf(1) / grid.segments
    upper = 1 + (segment + 1) * width
    unit = mpmath.mpf(2) ** (octave + grid.lowest - grid.magnitude) * span
    last = row == grid.rows - 1  # where the quantile is 0, small distances need small errors
    points = grid.degree if last else grid.degree + 1
    at = [width * (1 + mpmath.cos(mpmath.pi * (2 * k + 1) / (2 * points))) / 2 for k in range(points)]
    value = [distribution((upper - t) * unit) for t in at]
    if last:
        value = [v / t for v, t in zip(value, at, strict=True)]
    monomials = mpmath.matrix([[t**power for power in range(points)] for t in at])
    solved = list(mpmath.lu_solve(monomials, mpmath.matrix(value)))
    return [float(c) for c in ([mpmath.mpf(0), *solved] if last else solved)]


def main(path: str) -> None:
    """Write the tables."""
    numpy.savez(path, single=table(SINGLE), double=table(DOUBLE))


if __name__ == "__main__":
    main(sys.argv[1])
