"""The chi-square test of whole numbers."""

from __future__ import annotations

from typing import Any

import numpy
from scipy import stats
from torch import Tensor


def follows(values: Tensor, distribution: Any) -> float:
    """The p-value of the chi-square test: whole numbers in bins of about equal probability, at most 200."""
    edges = numpy.unique(distribution.ppf(numpy.linspace(0, 1, 202)[1:-1]))
    bins = numpy.searchsorted(edges, values.numpy(), side="left")  # bin j: above edge j - 1, to edge j
    found = numpy.bincount(bins, minlength=len(edges) + 1)
    expected = numpy.diff(numpy.concatenate(([0.0], distribution.cdf(edges), [1.0]))) * len(values)
    # Bins of fewer than 5 expected numbers go with their neighbours.
    merged: list[list[float]] = [[0.0, 0.0]]
    for f, e in zip(found, expected, strict=True):
        merged[-1][0] += f
        merged[-1][1] += e
        if merged[-1][1] >= 5:
            merged.append([0.0, 0.0])
    f, e = merged.pop()
    if merged:
        merged[-1][0] += f
        merged[-1][1] += e
    got, wanted = numpy.array(merged).T
    return float(stats.chi2.sf(((got - wanted) ** 2 / wanted).sum(), len(got) - 1)) if len(got) > 1 else 1.0
