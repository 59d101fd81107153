"""P of docs/reference/portable.md: products of matrices, and of windows, in Triton.

    matrices     out[i, j] = beta * bias[i, j] + alpha * P over k of a[i, k], b[k, j]
    convolve     out[i, j] = P over k of a[i, k], s(j, k)  + bias[i]    j = (image, place), k = (channel, tap)
    correlate    out[i, j] = P over k of g[k, i], s(j, k)               j = (channel, tap), k = (image, place)

s(j, k) is the source's number of the image and the channel, at place + tap, or a zero if that is outside.  A
program makes a block of outputs; each of its numbers is one chain of fused multiply-adds, k after k.

Legend: i row, j column of an output; o0, o1, o2 how far batches, rows and columns lie apart, so a, b and c of
the other operands and of the bias; a convolution's groups are its batches.  Dimensions of a source are
(plane, row, column).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch
from samebits.arithmetic._triton.numbers import given, given_to, minus_zero
from samebits.arithmetic.windows import Three, Window

MATRICES = tl.constexpr(0)
CONVOLVE = tl.constexpr(1)
CORRELATE = tl.constexpr(2)

CHUNK = tl.constexpr(256)
GROUP = tl.constexpr(16)
#: Of k, whose numbers are loaded together; divides a chunk.
TOGETHER = tl.constexpr(4)


@triton.jit
def _carried(count, size):
    """A counter that has come to `size` begins again; 1 then for the counter before it."""
    full = count == size
    return tl.where(full, 0, count), full.to(tl.int64)


@triton.jit(do_not_specialize=["alpha", "beta"])
def _product(
    a, b, out, bias, taps, alpha, beta, m, n, k_all, blocks, across,
    a0, a1, a2, b0, b1, b2, o0, o1, o2, c0, c1, c2,
    to_image, to_channel, to_plane, to_row, to_column, planes, rows, columns,
    low0, low1, low2, step0, step1, step2, places0, places1, places2, count,
    image_out, plane_out, row_out, column_out,
    KIND: tl.constexpr, SCALED: tl.constexpr, DOUBLE: tl.constexpr, HIGH: tl.constexpr, BROAD: tl.constexpr,
):  # fmt: skip
    work = tl.float64 if DOUBLE else tl.float32
    program = tl.program_id(0).to(tl.int64)
    batch, block = program // blocks, program % blocks
    i = block // across * HIGH + tl.arange(0, HIGH)
    j = block % across * BROAD + tl.arange(0, BROAD)
    of_row, of_column = i < m, j < n
    a += batch * a0
    b += batch * b0
    out += batch * o0
    nothing = minus_zero(tl.float32)

    # Where the columns' numbers are, and their part of the coordinates in the source.
    left, right = a + i * a1, b + j * b2
    z, y, x = j * 0, j * 0, j * 0
    place = j * o2
    if KIND == CONVOLVE:
        x = j % places2
        y = j // places2 % places1
        z = j // places2 // places1 % places0
        image = j // places2 // places1 // places0
        place = image * image_out + z * plane_out + y * row_out
        place += x * column_out
        z, y, x = z * step0 - low0, y * step1 - low1, x * step2 - low2
        right = b + image * to_image
    elif KIND == CORRELATE:
        tap = taps + j % count * 3
        z = tl.load(tap, mask=of_column, other=0) - low0
        y = tl.load(tap + 1, mask=of_column, other=0) - low1
        x = tl.load(tap + 2, mask=of_column, other=0) - low2
        right = b + j // count * to_channel
    if KIND != MATRICES:
        right += z * to_plane + y * to_row + x * to_column

    # k's own counters: channel and tap, or image and place.
    k = tl.zeros([], dtype=tl.int64)
    k0, k1 = tl.zeros([], dtype=tl.int64), tl.zeros([], dtype=tl.int64)
    k2, k3 = tl.zeros([], dtype=tl.int64), tl.zeros([], dtype=tl.int64)
    chunk = tl.zeros([], dtype=tl.int64)
    group = tl.zeros((HIGH, BROAD), dtype=work)
    total = tl.zeros((HIGH, BROAD), dtype=work)
    while k < k_all:
        chain = tl.zeros((HIGH, BROAD), dtype=work)
        end = tl.minimum(k + CHUNK, k_all)
        while k < end:
            for more in tl.static_range(TOGETHER):
                # What is beyond the end is -0 * 0, which changes no chain.
                there = k + more < end
                on_left = (k + more) * a2
                on_right = (k + more) * b1
                is_there = of_column & there
                if KIND == CONVOLVE:
                    tap = taps + k3 * 3
                    kz, ky, kx = tl.load(tap), tl.load(tap + 1), tl.load(tap + 2)
                    on_right = k2 * to_channel
                    k3, carry = _carried(k3 + 1, count)
                    k2 += carry
                elif KIND == CORRELATE:
                    on_left = k0 * image_out + k1 * plane_out
                    on_left += k2 * row_out + k3 * column_out
                    kz, ky, kx = k1 * step0, k2 * step1, k3 * step2
                    on_right = k0 * to_image
                    k3, carry = _carried(k3 + 1, places2)
                    k2, carry = _carried(k2 + carry, places1)
                    k1, carry = _carried(k1 + carry, places0)
                    k0 += carry
                if KIND != MATRICES:
                    on_right += kz * to_plane + ky * to_row + kx * to_column
                    is_there &= (z + kz >= 0) & (z + kz < planes) & (y + ky >= 0) & (y + ky < rows)
                    is_there &= (x + kx >= 0) & (x + kx < columns)
                one = tl.load(left + on_left, mask=of_row & there, other=nothing).to(work)
                other = tl.load(right + on_right, mask=is_there, other=0.0).to(work)
                chain = tl.fma(
                    tl.broadcast_to(one[:, None], (HIGH, BROAD)),
                    tl.broadcast_to(other[None, :], (HIGH, BROAD)),
                    chain,
                )
            k += TOGETHER
        group = tl.where(chunk % GROUP == 0, chain, group + chain)
        ends = (chunk % GROUP == GROUP - 1) | (k >= k_all)
        total = tl.where(ends, tl.where(chunk < GROUP, group, total + group), total)
        chunk += 1

    if SCALED:
        total = given(alpha, work) * total
    inside = of_row[:, None] & of_column[None, :]
    if bias is not None:
        at = bias + batch * c0 + i[:, None] * c1 + j[None, :] * c2
        added = tl.load(at, mask=inside, other=0.0).to(work)
        if SCALED:
            added = given(beta, work) * added
        total = added + total
    tl.store(out + i[:, None] * o1 + place[None, :], total.to(out.dtype.element_ty), mask=inside)


#: What stands for the numbers of a window where there is none.
_NO_WINDOW = (0,) * 5 + (1,) * 3 + (0,) * 3 + (1,) * 7 + (0,) * 4


def matrices(a: Tensor, b: Tensor, out: Tensor, bias: Tensor | None, beta: float, alpha: float) -> None:
    """out = beta * bias + alpha * P of the rows of `a` with the columns of `b`.

    Args:
        a: (m, k), or a batch (batch, m, k); float16, bfloat16, float32 or float64, in any layout.
        b: (k, n), or (batch, k, n), of the same type.
        out: (m, n), or (batch, m, n), of the same type.
        bias: of `out`'s shape and type, in any layout; None: none.
    """
    if out.dim() == 2:
        a, b, out, bias = a[None], b[None], out[None], None if bias is None else bias[None]
    batch, m, n = out.shape
    strides = (*a.stride(), *b.stride(), *out.stride(), *((0, 0, 0) if bias is None else bias.stride()))
    _run(MATRICES, a, b, out, bias, None, alpha, beta, batch, (m, n, a.shape[2]), strides, _NO_WINDOW)


def convolve(
    out: Tensor, source: Tensor, rows: Tensor, bias: Tensor | None, window: Window, groups: int
) -> None:
    """A convolution, or its derivative with respect to its input: `out` at the window's positions.

    Args:
        out: (images, outputs, ...), of one to three dimensions.
        source: (images, channels, ...); what the window covers.
        rows: (groups, outputs / groups, channels / groups * taps), contiguous.
        bias: (outputs,), contiguous; None: none.
        window: the positions and the taps.
        groups: of channels.
    """
    _, m, k = rows.shape
    to, size, out_to = _three(source.stride()), _three(source.shape, 1), _three(out.stride())
    channels = source.shape[1] // groups
    count = out.shape[0] * window.places[0] * window.places[1] * window.places[2]
    strides = (
        *(m * k, k, 1),
        *(channels * to[1], 0, 0),
        *(m * out_to[1], out_to[1], 0),
        *(m, 1, 0),
    )
    _run(
        CONVOLVE, rows, source, _from(out, window), bias, window, 1.0, 1.0,
        groups, (m, count, k), strides, _numbers(window, to, size, out_to),
    )  # fmt: skip


def correlate(out: Tensor, narrow: Tensor, wide: Tensor, window: Window, groups: int) -> None:
    """The derivative of a convolution with respect to its weights.

    Args:
        out: (outputs, channels / groups, ...), contiguous.
        narrow: (images, outputs, ...); the window's positions.
        wide: (images, channels, ...); what the window covers.
        window: the positions and the taps.
        groups: of channels.
    """
    to, size, narrow_to = _three(wide.stride()), _three(wide.shape, 1), _three(narrow.stride())
    m, channels = narrow.shape[1] // groups, wide.shape[1] // groups
    n = channels * len(window.taps)
    k = narrow.shape[0] * window.places[0] * window.places[1] * window.places[2]
    strides = (
        *(m * narrow_to[1], narrow_to[1], 0),
        *(channels * to[1], 0, 0),
        *(m * n, n, 1),
        *(0, 0, 0),
    )
    _run(
        CORRELATE, _from(narrow, window), wide, out, None, window, 1.0, 1.0,
        groups, (m, n, k), strides, _numbers(window, to, size, narrow_to),
    )  # fmt: skip


def _three(sizes: Any, fill: int = 0) -> tuple[int, ...]:
    """Sizes or strides of (images, channels, ...) with three dimensions, the last of which are there."""
    return (*sizes[:2], *(fill,) * (5 - len(sizes)), *sizes[2:])


def _from(results: Tensor, window: Window) -> Tensor:
    """The results from the first of the window's positions on."""
    starts = window.starts[5 - results.dim() :]
    places: Any = (..., *(slice(start, None) for start in starts))
    return results[places]


def _numbers(
    window: Window, to: tuple[int, ...], size: tuple[int, ...], out_to: tuple[int, ...]
) -> tuple[int, ...]:
    """In the order of `_product`."""
    apart = (stride * every for stride, every in zip(out_to[2:], window.apart, strict=True))
    return (
        *(*to, *size[2:], *window.low, *window.step, *window.places),
        *(max(len(window.taps), 1), out_to[0], *apart),
    )


@lru_cache(256)
def _taps(taps: tuple[Three, ...], device: torch.device) -> Tensor:
    return torch.tensor(taps or ((0, 0, 0),), dtype=torch.int64, device=device)


def _run(
    kind: Any, a: Tensor, b: Tensor, out: Tensor, bias: Tensor | None, window: Window | None,
    alpha: float, beta: float, batch: int, sizes: tuple[int, int, int], strides: tuple[int, ...],
    numbers: tuple[int, ...],
) -> None:  # fmt: skip
    m, n, _ = sizes
    if m * n * batch == 0:
        return
    # Enough blocks for a large GPU, or blocks that read less.
    most = 64 if triton.cdiv(m, 64) * triton.cdiv(n, 64) * batch >= 128 else 32
    # Of a single row Triton's interpreter would take -0 for no number.
    high, broad = min(most, max(triton.next_power_of_2(m), 2)), min(most, triton.next_power_of_2(n))
    across = triton.cdiv(n, broad)
    blocks = triton.cdiv(m, high) * across
    launch(
        _product, (blocks * batch,),
        a, b, out, bias, None if window is None else _taps(window.taps, a.device),
        given_to(alpha, a.dtype), given_to(beta, a.dtype), *sizes, blocks, across, *strides, *numbers,
        KIND=kind.value, SCALED=alpha != 1 or (bias is not None and beta != 1),
        DOUBLE=a.dtype is torch.float64, HIGH=high, BROAD=broad,
        num_warps=max(1, high * broad // 1024),
    )  # fmt: skip
