"""The sums of the negative log likelihood loss of images.

    loss[n, h, w] = -x[n, target[n, h, w], h, w] * weight[target[n, h, w]]      0 where the target is ignored

Each loss alone PyTorch gives deterministically; only its `sum` and `mean` add one part
a block of threads, with atomics.  So the losses are PyTorch's, and what is done here
is to add them, and the weights.  They are rounded to multiples of a quantum, so large that a float64
holds every sum of them exactly:

    q = 2**(exponent - bits)      |term| < 2**exponent,  bits = 53 - ceil(log2(count))
    sum = q * Σ round(term / q)

An addition that is exact has no order, so `torch.sum` may choose its own.  What lies
below a quantum, in float64, is summed on a second grid in the same way.

The losses of one dimension and all backwards need nothing: one block adds the first
in a fixed order, and the second write every element once.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from samebits.model.operators import Operation, Recipe, Torch, Why
from samebits.ops.case import Build, Maker, Shape, Task, forward, sizes

#: Two tensors, or NotImplemented.
Result = Any

NONE, MEAN, SUM = 0, 1, 2

#: Bits of a float64.
BITS = 53
#: Exponent of the largest scale: its reciprocal is a normal number still.
HIGHEST = 1000
#: Terms that are added together: on a CPU their intermediate results stay in the cache.
PIECE = {"cpu": 1 << 17}
#: On other devices, where each step is a launch.
LARGE_PIECE = 1 << 26


def nll_loss2d_forward(
    self: Tensor, target: Tensor, weight: Tensor | None, reduction: int, ignore_index: int
) -> Result:
    """The loss and what it was divided by.

    Args:
        self: (N, C, H, W), log probabilities, floating point.
        target: (N, H, W), int64 in [0, C), or `ignore_index`.
        weight: (C,), of the classes, or None: all 1.
        reduction: 0 none, 1 mean, 2 sum.
        ignore_index: the target that counts nothing.

    Returns:
        The loss and the total weight, both of no dimension and `self`'s type.

    Raises:
        IndexError: a target is no class, on a CPU; a CUDA device stops.
    """
    if reduction not in (MEAN, SUM):
        return NotImplemented
    losses = torch.ops.aten.nll_loss2d_forward.default(self, target, weight, NONE, ignore_index)[0]
    amount = _sum(losses)
    if weight is None:
        total: Tensor = torch.count_nonzero(target != ignore_index).double()
    else:
        total = _sum(_weights(target, weight, ignore_index))
    if reduction == MEAN:
        amount = amount / total
    return amount.to(self.dtype), total.to(self.dtype)


def _weights(target: Tensor, weight: Tensor, ignore_index: int) -> Tensor:
    """The weight that each target's loss has, (N * H * W,)."""
    classes = len(weight)
    if not 0 <= ignore_index < classes:
        target, ignore_index = target.where(target != ignore_index, classes), classes
    weight = torch.cat((weight, weight.new_zeros(1)))
    weight[ignore_index] = 0
    return weight.index_select(0, target.reshape(-1))


def _sum(terms: Tensor) -> Tensor:
    """The sum of all terms in float64, the same bits in every order of theirs."""
    terms = terms.flatten()
    count = terms.numel()
    if not count:
        return terms.new_zeros((), dtype=torch.float64)
    bits = BITS - (count - 1).bit_length()
    scale = _scale(terms, bits)
    step = PIECE.get(terms.device.type, LARGE_PIECE)
    total, rest = _rounded(terms[:step], scale, bits)
    for first in range(step, count, step):
        more, remaining = _rounded(terms[first : first + step], scale, bits)
        total = total + more
        if rest is not None and remaining is not None:
            rest = rest + remaining
    if rest is not None:
        # Where the sum is not finite, the remainders are NaN.
        total = torch.where(total.isfinite(), total + rest * 2.0**-bits, total)
    return total / scale


def _rounded(terms: Tensor, scale: float | Tensor, bits: int) -> tuple[Tensor, Tensor | None]:
    """The sum of `terms` in quanta, and that of a float64's remainders in quanta of 2**-bits."""
    scaled = terms.to(torch.float64, copy=True).mul_(scale)
    if terms.dtype != torch.float64:
        return scaled.round_().sum(), None
    whole = scaled.round()
    return whole.sum(), scaled.sub_(whole).mul_(2.0**bits).round_().sum()


def _scale(terms: Tensor, bits: int) -> float | Tensor:
    """The power of two that brings the largest term below 2**bits; any, where one is not finite."""
    low, high = torch.aminmax(terms)
    if terms.is_cpu:
        bound = max(-float(low), float(high))
        return 2.0 ** min(bits - math.frexp(bound)[1], HIGHEST) if math.isfinite(bound) else 1.0
    return _power(torch.maximum(low.neg(), high), bits)


def _power(bound: Tensor, bits: int) -> Tensor:
    """The same without waiting for the device."""
    exponent = bits - torch.frexp(bound.double().nan_to_num(1.0, 1.0, 1.0)).exponent
    return (exponent.clamp(max=HIGHEST).long() + 1023).bitwise_left_shift(52).view(torch.float64)


REPLACES = (
    Operation(
        "nll_loss2d",
        "aten::nll_loss2d_forward",
        Why.ATOMICS,
        Torch.RAISES,
        Recipe.EXACT,
        variants=("aten::nll_loss2d_forward.output",),
        run_by=(
            "torch.nn.functional.nll_loss",
            "aten::nll_loss_nd",
            "torch.nn.functional.cross_entropy",
            "torch.nn.CrossEntropyLoss",
            "torch.nn.functional.linear_cross_entropy",
            "torch.nn.LinearCrossEntropyLoss",
        ),
    ),
)

#: Images, classes, height, width.
_CLASSES = sizes((2, 3, 2, 2), (2, 7, 61, 67), (2, 16, 48, 48), (4, 32, 96, 96), (8, 64, 128, 128))


def _nll_loss2d(reduction: str, weighted: bool) -> Build:
    def build(make: Maker, shape: Shape) -> Task:
        n, classes, *space = shape
        target = make.index(classes, n, *space)
        weight = make.uniform(0.5, 1.5, classes) if weighted else None
        call = partial(F.nll_loss, weight=weight, reduction=reduction, ignore_index=1 if weighted else -100)
        return Task(lambda x: call(x, target), (make.normal(*shape),))

    return build


CASES = tuple(
    forward(f"nll_loss2d, {how}", ["nll_loss2d_forward"], _nll_loss2d(how, how != "sum"), shapes=_CLASSES)
    for how in ("mean", "sum")
)
