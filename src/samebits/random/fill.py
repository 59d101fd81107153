"""Who fills a tensor with a distribution's numbers: the C core, the Triton kernels, or plain torch.

All three give the same bits; `one_word` is the definition.  The core writes contiguous
memory of the CPU, Triton that of CUDA, plain torch whatever torch can compute on.
"""

from __future__ import annotations

from math import prod
from typing import Final

import torch
from torch import Tensor

from samebits._runtime import triton_launch
from samebits.random import core, one_word
from samebits.random.one_word import Distribution, Parameters
from samebits.random.shards import Part

#: Elements that plain torch computes at once: an element takes some hundred bytes on the way.
_CHUNK: Final = 1 << 18


def fill(
    out: Tensor,
    distribution: Distribution,
    key: Tensor,
    parameters: Parameters,
    part: Part | None = None,
    source: Tensor | None = None,
) -> Tensor:
    """Fill `out` with a distribution's numbers; everything has been checked.

    Args:
        out: of shape (*batch, ...), any layout; the elements of one key follow each other row by row.
        distribution, parameters: what is drawn.
        key: uint64 of shape (*batch, 2).
        part: which elements of a whole these are; all of it by default.
        source: dropout: of `out`'s shape and dtype.

    Returns:
        `out`.
    """
    if out.numel() == 0:
        return out
    target = out if out.is_contiguous() else torch.empty(out.shape, dtype=out.dtype, device=out.device)
    if source is not None:
        source = source.contiguous()
    loaded = core.get() if out.is_cpu else None
    if triton_launch.triton_for(out):
        from samebits.random._triton import fill as kernels

        kernels.fill(target, distribution, key, parameters, part, source)
    elif loaded is not None:
        first, shape, strides = (
            (part.first, part.shape, part.strides) if part is not None else (0, None, None)
        )
        if key.device.type != "cpu":
            key = key.cpu()
        loaded.fill(target, distribution, key.contiguous(), parameters, first, shape, strides, source)
    else:
        _plain(target, distribution, key, parameters, part, source)
    return out if target is out else out.copy_(target)


def _plain(
    out: Tensor,
    distribution: Distribution,
    key: Tensor,
    parameters: Parameters,
    part: Part | None,
    source: Tensor | None,
) -> None:
    keys = key.reshape(-1, 2)
    each = out.numel() // keys.shape[0]
    rows = out.view(keys.shape[0], each)
    given = source.view(rows.shape) if source is not None else None
    step = max(1, _CHUNK // keys.shape[0])
    for start in range(0, each, step):
        at = slice(start, min(start + step, each))
        elements = _elements(part, start, at.stop - start, out.device)
        rows[:, at] = one_word.numbers(
            distribution,
            out.dtype,
            parameters,
            keys,
            elements,
            out.device,
            given[:, at] if given is not None else None,
        )


def _elements(part: Part | None, start: int, count: int, device: torch.device) -> tuple[int, int] | Tensor:
    """The numbers of the elements `start` to `start + count` of a part."""
    if part is None:
        return start, count
    if part.is_run:
        return part.first + start, count
    rest = torch.arange(start, start + count, device=device)
    numbers = torch.full_like(rest, part.first)
    for d, (size, stride) in enumerate(zip(part.shape, part.strides, strict=True)):
        inner = prod(part.shape[d + 1 :])
        numbers = numbers + rest // inner % size * stride
    return numbers
