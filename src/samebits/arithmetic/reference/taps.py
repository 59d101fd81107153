"""Maps along dimensions: every output a sum of products with a few inputs, in their order."""

from __future__ import annotations

import numpy as np

from samebits.arithmetic.reference.rounding import Array


def mapped(x: Array, axis: int, index: Array, count: Array, weight: Array | None) -> Array:
    """Output i of `axis` reads the elements index[i, :count[i]], each times weight[i, k]; of none it is 0."""
    lines = np.moveaxis(x, axis, 0)
    out = np.zeros((len(index), *lines.shape[1:]), x.dtype)
    for i, taps in enumerate(count):
        for k in range(taps):
            term = lines[index[i, k]]
            if weight is not None:
                term = x.dtype.type(weight[i, k]) * term
            out[i] = term if k == 0 else out[i] + term
    return np.moveaxis(out, 0, axis)
