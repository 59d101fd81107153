"""Distributions whose parameters may differ from element to element: checks, shapes, tiers, rounding.

A distribution's definition is a function of its own file, in float64 and in plain torch.
The C core gives the same bits on a CPU where it has the distribution; else plain torch draws.
A number is computed in float64 and rounded once to its dtype (by way of float32 to float16
and bfloat16, as torch converts).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

import torch
from torch import Tensor, library

from samebits.errors import UsageError, UsageTypeError
from samebits.random import core, custom_ops, keys, output, rejection, shards
from samebits.random.arguments import FLOATING, dtype_of, number, shape_of
from samebits.random.shards import Part

Parameter = float | Tensor

#: Parameters from here to there leave a float64 no room for an overflow on the way.
LEAST: Final = 2.0**-1000
MOST: Final = 2.0**1000

#: The dtypes of numbers that count.
COUNTS: Final = (*FLOATING, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)

#: (start, shape) of the part of the whole that is drawn.
Region = tuple[tuple[int, ...], tuple[int, ...]] | None

#: Elements that plain torch computes at once: an element takes some hundred bytes on the way.
_CHUNK: Final = 1 << 18

#: Devices that have no float64: the CPU computes for them.
_NARROW: Final = frozenset({"mps"})

_I64: Final = ctypes.c_int64
_POINTER: Final = ctypes.c_void_p


@dataclass(frozen=True, slots=True, eq=False)
class Parametric:
    """A distribution whose elements have parameters of their own and take any number of words.

    Attributes:
        name: that of its function.
        numbers: the definition: from cells (`rejection.cells`) and float64 parameters to float64 numbers.
        code: its number in native/distributions.c; None: plain torch draws it everywhere.
        counters: how many counters an element takes.
        rows: whether an element is a row of classes, which takes as many counters as it has classes.
    """

    name: str
    numbers: Callable[..., Tensor]
    code: int | None = None
    counters: int = 1
    rows: bool = False

    def __post_init__(self) -> None:
        _known[self.name] = self


#: By name, which is what an operation of the dispatcher can be given.
_known: Final[dict[str, Parametric]] = {}


def _home(device: torch.device) -> torch.device:
    """Where numbers for a device are computed."""
    return torch.device("cpu") if device.type in _NARROW else device


@dataclass(frozen=True, slots=True)
class Range:
    """What a parameter may be.

    Attributes:
        name: of the parameter.
        least, most: its bounds, both allowed.
        meaning: the bounds in words: "... must be {meaning}".
        whole: integers only.
    """

    name: str
    least: float
    most: float
    meaning: str
    whole: bool = False

    def checked(self, value: Any) -> Parameter:
        """A float, or a float64 tensor.

        Raises:
            TypeError: it is neither a number nor a tensor of such.
            ValueError: it, or a number in it, is NaN or beyond the bounds.
        """
        if not isinstance(value, Tensor):
            value = number(self.name, value)
            if not self.least <= value <= self.most or (self.whole and value != int(value)):
                raise UsageError(f"{self.name} must be {self.meaning}, not {value}")
            return float(value)
        if value.is_complex() or value.dtype is torch.bool:
            raise UsageTypeError(f"{self.name} must be real numbers, not {value.dtype}")
        wide = value.to(_home(value.device)).to(torch.float64)
        seen = wide.detach()
        fits = (seen >= self.least) & (seen <= self.most)  # nor is NaN
        if self.whole:
            fits &= seen == seen.floor()
        if not bool(fits.all()):
            raise UsageError(f"every {self.name} must be {self.meaning}, and {seen[~fits][0].item()} is not")
        return wide


@dataclass(frozen=True, slots=True)
class Request:
    """What is drawn and where, once everything has been checked.

    Attributes:
        key: uint64, (2,) or (*batch, 2), the batch being the leading dimensions of `shape`.
        parameters: float64, each of one element or expanded to `shape`, where they are computed.
        shape: of what is drawn here, without a row's classes.
        part: which elements of a whole these are; None for all of it.
        dtype, device, out: of the result.
    """

    key: Tensor
    parameters: tuple[Tensor, ...]
    shape: tuple[int, ...]
    part: Part | None
    dtype: torch.dtype
    device: torch.device
    out: Tensor | None


def request(
    name: str,
    key: Any,
    given: Sequence[tuple[Range, Any]],
    shape: tuple[Any, ...],
    dtype: torch.dtype | None,
    device: torch.device | str | int | None,
    out: Tensor | None,
    shard: Any,
    allowed: Sequence[torch.dtype],
    classes: tuple[int, ...] = (),
) -> Request:
    """Check what all distributions share.

    Args:
        name: of the function, for errors.
        given: the parameters, and what they may be.
        classes: of rows: the parameters' last dimension.

    Raises:
        TypeError: a key, parameter, dtype, shape or shard of the wrong kind.
        ValueError: parameters that are NaN or out of their range; sizes that are negative, or that the
            parameters, `out`, the shard or the keys do not fit.
    """
    key = keys.check(key)
    tensors = [value for _, value in given if isinstance(value, Tensor)]
    dtype = dtype_of(dtype, out, allowed, _default(tensors), name)
    if out is not None:
        where = out.device
        if device is not None and torch.device(device) != where:
            raise UsageError(f"out lies on {where}, but device={device} was asked for")
    elif device is not None:
        where = torch.device(device)
    else:
        where = next((value.device for value in tensors if value.dim()), key.device)
    rows = len(classes)
    wide = [
        torch.as_tensor(one.checked(value), dtype=torch.float64, device=_home(where)) for one, value in given
    ]
    own = tuple(torch.broadcast_shapes(*(v.shape[: v.dim() - rows] for v in wide)))  # type: ignore[no-untyped-call]
    if shape:
        sizes = shape_of(shape)
    elif out is not None and shard is None:
        sizes = tuple(out.shape[: out.dim() - rows])
    else:
        sizes = own
    try:
        fits = torch.broadcast_shapes(own, sizes) == sizes  # type: ignore[no-untyped-call]
    except RuntimeError:
        fits = False
    if not fits:
        raise UsageError(f"parameters of the shape {own} do not broadcast to {sizes}")
    part, local = None, sizes
    if shard is not None:
        if isinstance(shard, Tensor):
            raise UsageTypeError(f"{name} draws a shard=(start, shape), not that of a tensor")
        if key.dim() > 1:
            raise UsageError("a shard needs one key, not a batch of keys")
        start, local = shards.parse(shard)
        part = shards.part(sizes, start, local)
        place = tuple(slice(at, at + n) for at, n in zip(start, local, strict=True))
        wide = [value if value.dim() == rows else value.expand(*sizes, *classes)[place] for value in wide]
    elif key.dim() > 1:
        key = output.expand_keys(key, sizes)
    if out is not None and tuple(out.shape) != (*local, *classes):
        raise UsageError(f"out has the shape {tuple(out.shape)}, but {(*local, *classes)} was asked for")
    # A shape of one's parameters is one number for all: it is not repeated in memory.
    parameters = tuple(value if value.dim() == rows else value.expand(*local, *classes) for value in wide)
    return Request(key, parameters, local, part, dtype, where, out)


def _default(tensors: Sequence[Tensor]) -> torch.dtype:
    floating = [value.dtype for value in tensors if value.dtype in FLOATING]
    if not floating:
        return torch.float32
    dtype = floating[0]
    for other in floating[1:]:
        dtype = torch.promote_types(dtype, other)
    return dtype


def numbers(distribution: Parametric, asked: Request) -> Tensor:
    """The float64 numbers of a request, of its shape (and of a row's classes)."""
    part = asked.part
    first, sizes, strides = (part.first, part.shape, part.strides) if part is not None else (0, (), ())
    if custom_ops.can_skip_dispatcher(asked.key, *asked.parameters):
        with torch.no_grad():
            return _drawn(distribution, asked.key, asked.parameters, asked.shape, first, sizes, strides)
    made: Tensor = torch.ops.samebits.parametric(
        distribution.name,
        asked.key,
        [p.detach() for p in asked.parameters],
        asked.shape,
        first,
        sizes,
        strides,
    )
    return made


@library.custom_op("samebits::parametric", mutates_args=())
def _parametric(
    distribution: str,
    key: Tensor,
    parameters: Sequence[Tensor],
    shape: Sequence[int],
    first: int,
    part_shape: Sequence[int],
    part_strides: Sequence[int],
) -> Tensor:
    return _drawn(_known[distribution], key, parameters, shape, first, part_shape, part_strides)


@_parametric.register_fake
def _(
    distribution: str, key: Tensor, parameters: Sequence[Tensor], shape: Sequence[int], *rest: Any
) -> Tensor:
    classes = parameters[0].shape[-1:] if _known[distribution].rows else ()
    return parameters[0].new_empty((*shape, *classes))


def _drawn(
    distribution: Parametric,
    key: Tensor,
    parameters: Sequence[Tensor],
    shape: Sequence[int],
    first: int,
    part_shape: Sequence[int],
    part_strides: Sequence[int],
) -> Tensor:
    rows = distribution.rows
    width = parameters[0].shape[-1] if rows else 1
    device = parameters[0].device
    out = torch.empty((*shape, width) if rows else tuple(shape), dtype=torch.float64, device=device)
    if out.numel() == 0:
        return out
    elements = None
    if tuple(part_strides) not in ((), (1,)):
        elements = _elements(first, part_shape, part_strides, device)
    every = key.reshape(-1, 2)
    each = prod(shape) // every.shape[0]
    flat = out.view(every.shape[0], each * width)
    # Of each key's own elements: one row of parameters for all, or one an element.
    given = [
        p.reshape(1, -1) if p.dim() == rows else p.contiguous().view(every.shape[0], -1) for p in parameters
    ]
    loaded = core.get() if device.type == "cpu" and distribution.code is not None else None
    for at, one in enumerate(every.cpu().unbind()):
        own = [p[min(at, p.shape[0] - 1)] for p in given]
        if loaded is not None:
            _core(loaded, distribution, flat[at], one, own, width, first, elements)
        else:
            _plain(distribution, flat[at], one, own, width, first, elements)
    return out


def _elements(first: int, shape: Sequence[int], strides: Sequence[int], device: torch.device) -> Tensor:
    """The numbers of a part's elements."""
    found = torch.full((), first, dtype=torch.int64, device=device)
    for n, stride in zip(shape, strides, strict=True):
        found = found.unsqueeze(-1) + torch.arange(n, device=device) * stride
    return found.flatten()


def _core(
    loaded: core.Core,
    distribution: Parametric,
    out: Tensor,
    key: Tensor,
    parameters: list[Tensor],
    width: int,
    first: int,
    elements: Tensor | None,
) -> None:
    assert distribution.code is not None
    seed, offset = key.tolist()
    a, b = parameters[0], parameters[1] if len(parameters) > 1 else None
    count = out.numel() // width
    lacks = loaded.functions.sb_parametric(
        _POINTER(out.data_ptr()), ctypes.c_int(distribution.code),
        ctypes.c_uint64(seed), ctypes.c_uint64(offset),
        _POINTER(elements.data_ptr() if elements is not None else None), _I64(first), _I64(count),
        _POINTER(a.data_ptr()), _I64(int(a.numel() > width)),
        _POINTER(b.data_ptr() if b is not None else None), _I64(int(b is not None and b.numel() > 1)),
        _I64(width), ctypes.c_int(torch.get_num_threads()),
    )  # fmt: skip
    if lacks:
        raise MemoryError(f"no memory for rows of {width} classes")


def _plain(
    distribution: Parametric,
    out: Tensor,
    key: Tensor,
    parameters: list[Tensor],
    width: int,
    first: int,
    elements: Tensor | None,
) -> None:
    count = out.numel() // width
    rows = out.view(count, width)
    step = max(1, _CHUNK // width)
    classes = torch.arange(width, device=out.device)
    for start in range(0, count, step):
        place = slice(start, min(start + step, count))
        if elements is None:
            own = torch.arange(first + place.start, first + place.stop, device=out.device)
        else:
            own = elements[place]
        given = [
            (p.view(-1, width)[place] if p.numel() > width else p.expand(len(own), width)) for p in parameters
        ]
        if distribution.rows:
            cells = rejection.cells(key, (own.unsqueeze(-1) * width + classes).flatten())
            rows[place] = distribution.numbers(cells.view(len(own), width, 2), *given)
        else:
            cells = rejection.cells(key, own * distribution.counters)
            rows[place, 0] = distribution.numbers(cells, *(p.flatten() for p in given))


def finished(values: Tensor, asked: Request, least: float | None = None, most: float | None = None) -> Tensor:
    """The numbers in the dtype that was asked for, and in `out`.

    Args:
        values: float64.
        least, most: bounds of the rounded numbers.
    """
    made = rounded(values, asked.dtype)
    if least is not None or most is not None:
        made = made.clamp(least, most)
    if asked.out is None:
        return made.to(asked.device)
    with torch.no_grad():
        return asked.out.copy_(made)


def rounded(values: Tensor, dtype: torch.dtype) -> Tensor:
    """float64 numbers in another dtype; those too large for an integer one are its largest."""
    if dtype.is_floating_point:
        return values.to(torch.float32).to(dtype) if dtype.itemsize == 2 else values.to(dtype)
    most = torch.iinfo(dtype).max
    large = values >= float(most)
    whole = torch.where(large, 0.0, values).to(torch.int64)
    return torch.where(large, most, whole).to(dtype)
