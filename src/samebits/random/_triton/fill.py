"""Fills memory with a distribution's numbers, those of `samebits.random.one_word` bit for bit.

    run         out[k, i] = distribution(word(key[k], first + i))
    scattered   out[k, i] = distribution(word(key[k], first + i0 * s0 + i1 * s1 + i2 * s2 + i3 * s3))

In a run each program makes whole calls of Philox and all their words.  Elements whose numbers do not follow
each other, and many keys of few elements, make a call each.

Legend: k key, i element of a key, (i0, i1, i2, i3) its place in a part of shape (n0, n1, n2, n3).
A call's first word may lie SKIP elements before the run.  Numbers and places are of 64 bits.
"""

from __future__ import annotations

import struct
from itertools import product
from math import prod
from typing import Any

import torch
import triton.language as tl
from torch import Tensor

import triton
from samebits._runtime.triton_launch import launch
from samebits.random import quantile
from samebits.random._triton.distributions import number
from samebits.random._triton.philox import of_calls, of_elements
from samebits.random.one_word import UNIFORM_BITS, Distribution, Parameters, is_wide, signed
from samebits.random.shards import Part, whole

#: Calls of a program of a run, elements of one that is scattered.
BLOCK = 512
#: Below this, elements are counted in 32 bits.
NARROW = 2**31 - BLOCK
#: The dimensions of a part that one launch takes.
DIMENSIONS = 4

#: Of no number among these a kernel is compiled anew.
_FREE = ["seed", "offset", "first", "a", "b", "low", "size", "least", "most"]
_INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


@triton.jit(do_not_specialize=_FREE)
def _run(
    out, source, table, keys, seed: tl.int64, offset: tl.int64, first: tl.int64, each, blocks,
    a, b, low: tl.int64, size: tl.int64, least: tl.int64, most: tl.int64,
    SKIP: tl.constexpr, DISTRIBUTION: tl.constexpr, BITS: tl.constexpr, RANGED: tl.constexpr,
    BRAIN: tl.constexpr, DOUBLE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    EACH: tl.constexpr = 2 if DOUBLE else 4
    block = tl.program_id(0)
    start = block.to(tl.int64) * 0
    if keys is not None:
        row = (block // blocks).to(tl.int64)
        block = block % blocks
        start = row * each
        seed = tl.load(keys + 2 * row)
        offset = tl.load(keys + 2 * row + 1)
    block = block.to(tl.int64)
    call = block * BLOCK + tl.arange(0, BLOCK)
    word = of_calls(seed, offset.to(tl.int64) + first + call, DOUBLE)
    at = block * (EACH * BLOCK) + tl.arange(0, EACH * BLOCK) - SKIP
    inside = at < each
    if SKIP > 0:
        inside = inside & (at >= 0)
    place = start + at
    x = word
    if source is not None:
        x = tl.load(source + place, mask=inside, other=0)
    kind = out.dtype.element_ty
    made = number(word, x, table, a, b, low, size, least, most, kind, DISTRIBUTION, BITS, RANGED, BRAIN)
    tl.store(out + place, made, mask=inside)


@triton.jit(do_not_specialize=[*_FREE, "begin", "each"])
def _scattered(
    out, source, table, keys, seed: tl.int64, offset: tl.int64, first: tl.int64,
    begin: tl.int64, each: tl.int64, all, count, n1, n2, n3, s0, s1, s2, s3,
    a, b, low: tl.int64, size: tl.int64, least: tl.int64, most: tl.int64,
    DISTRIBUTION: tl.constexpr, BITS: tl.constexpr, RANGED: tl.constexpr,
    BRAIN: tl.constexpr, DOUBLE: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < all
    # Where they suffice, 32 bits: a division of 64-bit numbers is a subroutine.
    rest = at if WIDE else at.to(tl.int32)
    start = at * 0 + begin
    if keys is not None:
        row = (rest // count).to(tl.int64)
        rest = rest % count
        start = start + row * each
        seed = tl.load(keys + 2 * row, mask=inside, other=0)
        offset = tl.load(keys + 2 * row + 1, mask=inside, other=0)
    place = start + rest
    i3 = (rest % n3).to(tl.int64)
    rest = rest // n3
    i2 = (rest % n2).to(tl.int64)
    rest = rest // n2
    i1 = (rest % n1).to(tl.int64)
    i0 = (rest // n1).to(tl.int64)
    word = of_elements(seed, offset, first + i0 * s0 + i1 * s1 + i2 * s2 + i3 * s3, DOUBLE)
    x = word
    if source is not None:
        x = tl.load(source + place, mask=inside, other=0)
    kind = out.dtype.element_ty
    made = number(word, x, table, a, b, low, size, least, most, kind, DISTRIBUTION, BITS, RANGED, BRAIN)
    tl.store(out + place, made, mask=inside)


def fill(
    out: Tensor,
    distribution: Distribution,
    key: Tensor,
    parameters: Parameters,
    part: Part | None = None,
    source: Tensor | None = None,
) -> None:
    """Fill `out` with a distribution's numbers; nothing waits for the device.

    Args:
        out: not empty, contiguous; all keys' elements, one key's after another's.
        distribution, parameters: what is drawn.
        key: uint64 of shape (*batch, 2), on any device.
        part: which elements of a whole a key's are; all of it by default.
        source: dropout: of `out`'s shape and dtype, contiguous.
    """
    pairs = key.reshape(-1, 2).view(torch.int64)
    amount = pairs.shape[0]
    count = out.numel() // amount
    seed = offset = 0
    keys: Tensor | None = None
    if amount == 1 and pairs.device.type == "cpu":
        seed, offset = pairs[0].tolist()
    else:
        keys = pairs.to(out.device, non_blocking=True).contiguous()
    double = is_wide(distribution, out.dtype)
    brain = out.dtype is torch.bfloat16
    p = parameters
    real = _bits if out.dtype is torch.float64 or distribution is Distribution.TRUNCATED else float
    integers = signed(p.low), signed(p.range), _bits(p.least), _bits(p.most)
    rest: tuple[Any, ...] = (real(p.a), real(p.b), *integers)
    options = {
        "DISTRIBUTION": int(distribution),
        "BITS": UNIFORM_BITS.get(out.dtype, 0),
        "RANGED": p.range != 0,
        "BRAIN": brain,
        "DOUBLE": double,
        "BLOCK": BLOCK,
    }
    table = _table(distribution, out)
    plain = _INTEGERS[out.dtype.itemsize]
    if brain or not out.dtype.is_floating_point:
        out, source = out.view(plain), source.view(plain) if source is not None else None
    given = out, source, table, keys, seed, offset
    part = part if part is not None else whole(count)
    words = 2 if double else 4
    if part.is_run and (amount == 1 or count >= words * BLOCK):
        skip = part.first % words
        blocks = triton.cdiv(skip + count, words * BLOCK)
        launch(
            _run, (amount * blocks,), *given, part.first // words, count, blocks, *rest, SKIP=skip, **options
        )
        return
    outer = max(0, len(part.shape) - DIMENSIONS)
    shape = (1,) * (DIMENSIONS - len(part.shape)) + part.shape[outer:]
    strides = (0,) * (DIMENSIONS - len(part.strides)) + part.strides[outer:]
    inner = prod(shape)
    options["WIDE"] = amount * inner >= NARROW
    for turn, place in enumerate(product(*map(range, part.shape[:outer]))):
        first = part.first + sum(i * step for i, step in zip(place, part.strides[:outer], strict=True))
        launch(
            _scattered, (triton.cdiv(amount * inner, BLOCK),),
            *given, first, turn * inner, count, amount * inner, inner, *shape[1:], *strides, *rest, **options,
        )  # fmt: skip


def _bits(x: float) -> int:
    """Of a float64: a number that is given to a kernel is a float32 there."""
    pattern: int = struct.unpack("<q", struct.pack("<d", x))[0]
    return pattern


def _table(distribution: Distribution, out: Tensor) -> Tensor | None:
    if distribution is Distribution.EXPONENTIAL:
        column = quantile.EXPONENTIAL
    elif distribution is Distribution.NORMAL or distribution is Distribution.TRUNCATED:
        column = quantile.NORMAL
    else:
        return None
    double = out.dtype is torch.float64 or distribution is Distribution.TRUNCATED
    return quantile.table(quantile.DOUBLE if double else quantile.SINGLE, column, out.device)
