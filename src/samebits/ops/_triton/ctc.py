"""The recursion of the CTC loss's backward, a program for each item of the batch.

    γ(t, s) = (γ(t+1, s) * w_0(t, s) + γ(t+1, s+1) * w_1(t, s+1)) + γ(t+1, s+2) * w_2(t, s+2)

and γ(t, s) = end(s) at the item's last time; every product and every sum rounded on its
own: the bits are those of `samebits.ops.ctc`.

Shapes: γ (T, N * R), w (3, T, N * R), end (N, R), last (N,); t < T, item < N, s < R.
A time needs the whole of the one after it: the program's threads meet in between, and
read what the others wrote from memory.
"""

from __future__ import annotations

import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch

#: States that a program holds at once; longer rows are done in turn.
BLOCK = 1024


@triton.jit
def _posteriors(
    posteriors, weights, end, last, first, steps, row, width, TILES: tl.constexpr, BLOCK: tl.constexpr
):
    item = tl.program_id(0).to(tl.int64)
    begin = item * row
    final = tl.load(last + item) - first
    tap = (tl.zeros([], dtype=tl.int64) + steps) * width
    ahead = posteriors + tap + begin
    weight = weights + tap - width + begin
    back = steps * 0
    # Not `range`: the interpreter cannot count to an argument.
    while back < steps:
        s = tl.arange(0, BLOCK)
        for _ in range(TILES):
            here = s < row
            value = tl.load(ahead + s, mask=here, other=0.0) * tl.load(weight + s, mask=here, other=0.0)
            near = s < row - 1
            step = tl.load(ahead + s + 1, mask=near, other=0.0)
            value += step * tl.load(weight + tap + s + 1, mask=near, other=0.0)
            far = s < row - 2
            jump = tl.load(ahead + s + 2, mask=far, other=0.0)
            value += jump * tl.load(weight + 2 * tap + s + 2, mask=far, other=0.0)
            ending = back == steps - 1 - final
            value = tl.where(ending, tl.load(end + begin + s, mask=here & ending, other=0.0), value)
            tl.store(ahead - width + s, value, mask=here)
            s += BLOCK
        tl.debug_barrier()
        ahead -= width
        weight -= width
        back += 1


def posteriors(weights: Tensor, ahead: Tensor, end: Tensor, last: Tensor, first: int) -> Tensor:
    """γ at times `first` and on, (T, N * R).

    Args:
        weights: (3, T, N * R), float32 or float64, contiguous.
        ahead: (N * R,), γ at the time after.
        end: (N, R), contiguous.
        last: (N,) int64, each item's last time.
        first: the time of the first of the weights.
    """
    _, steps, width = weights.shape
    items, row = end.shape
    result = weights.new_empty(steps + 1, width)
    result[steps] = ahead
    block = min(triton.next_power_of_2(row), BLOCK)
    launch(
        _posteriors, (items,),
        result, weights, end, last, first, steps, row, width, TILES=triton.cdiv(row, block), BLOCK=block,
        num_warps=max(block // 128, 1), num_stages=1,
    )  # fmt: skip
    return result[:steps]
