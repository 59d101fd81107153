"""`choice`, `permutation`: 0 to n - 1 sorted by their 64-bit words; a choice with replacement is
that of `randint` or `categorical`.

A permutation of n is the numbers 0 to n - 1 sorted by random keys, one word of 64 bits
each, equal keys by the numbers.  Sorting is exact, so every device, every number of
threads and every algorithm gives the same order: on a CPU `native/order.c`, elsewhere
torch's stable sort.  (torch.randperm swaps, one after another on a CPU, and sorts fewer
bits on CUDA.)

All n! orders are equally likely but for equal words, which n numbers have with a
probability of n**2 / 2**65.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import torch
from torch import Tensor, library

from samebits.errors import UsageError, UsageTypeError
from samebits.random import core, custom_ops, keys
from samebits.random.arguments import LIMITS, dtype_of, shape_of
from samebits.random.distributions.categorical import multinomial
from samebits.random.distributions.integers import randint
from samebits.random.fill import fill
from samebits.random.keys import KeyLike
from samebits.random.one_word import UNIT, Distribution
from samebits.random.output import Device

__all__ = ["choice", "permutation"]

#: What a record of native/order.c holds beside enough of a key; 8 TB.
_MOST: Final = 1 << 40
_SIGN: Final = -1 << 63


def permutation(
    key: KeyLike,
    x: int | Tensor,
    *,
    dim: int = 0,
    dtype: torch.dtype | None = None,
    device: Device = None,
    out: Tensor | None = None,
) -> Tensor:
    """The integers from 0 to n - 1 in a random order, or a tensor's rows in it.

    Number i of the order is the one with the i-th smallest key, so it depends on n: a longer permutation does
    not begin with a shorter one.

    Args:
        key: a `Key`, or uint64 of shape (2,); for integers also (*batch, 2): an order for each key.
        x: n, at most 2**40; or a tensor.
        dim: of a tensor: the dimension whose entries are put in order.
        dtype: of the integers: int64 by default, or that of `out`; any integer dtype that has n - 1.
        device: of the integers: where they are; that of `key` by default.
        out: filled and returned.

    Returns:
        Of shape (*batch, n); or of the tensor's shape, dtype and device, differentiable.

    Raises:
        TypeError: a key, x or dtype of the wrong kind.
        ValueError: a negative n, one that is too large, a dim that the tensor has not, an `out` that does not
            fit.

    Example:
        >>> import samebits
        >>> samebits.random.permutation(samebits.random.key(0), 5).tolist()
        [4, 0, 3, 1, 2]
    """
    key = keys.check(key)
    if type(x) is int and 0 <= x <= _MOST and dtype is None and device is None and out is None:
        return _new(
            key, x, key.device
        )  # a small one is worth a short way: nothing else is left to be checked
    if isinstance(x, Tensor):
        if dtype is not None or device is not None:
            raise UsageTypeError("dtype and device are of a permutation of integers; a tensor keeps its own")
        return _of_rows(key, x, dim, out)
    n = keys.integer("x, where it is no tensor,", x)
    dtype = dtype_of(dtype, out, tuple(LIMITS), torch.int64, "permutation")
    if not 0 <= n <= _MOST:
        raise UsageError(f"a permutation has 0 to 2**40 numbers, not {n}")
    if n > LIMITS[dtype][1]:
        raise UsageError(f"{dtype} has no number {n - 1}, which a permutation of {n} needs")
    shape = (*key.shape[:-1], n)
    _check_out(out, shape, device)
    where = out.device if out is not None else key.device if device is None else torch.device(device)
    if (
        out is not None
        and dtype is torch.int64
        and out.is_contiguous()
        and custom_ops.can_skip_dispatcher(key, out)
    ):
        torch.autograd.graph.increment_version(out)
        return _fill(out, key)
    order = _new(key, n, where).to(dtype)
    return order if out is None else out.copy_(order)


def choice(
    key: KeyLike,
    a: int | Tensor,
    size: int | Sequence[int],
    replace: bool = True,
    p: Tensor | Sequence[float] | None = None,
    *,
    device: Device = None,
    out: Tensor | None = None,
) -> Tensor:
    """Integers from 0 to a - 1, or rows of a tensor, chosen at random.

    With replacement each is `randint`'s of 64 bits; without, they are the first of `permutation(key, n)`, so
    that costs as much as all n.  With `p` they are those of `multinomial`.  A larger size begins with a
    smaller one.

    Args:
        key: a `Key`, or uint64 of shape (2,).
        a: how many there are to choose from, or a tensor, whose first dimension is chosen from.
        size: the shape of what is chosen.
        replace: whether one can be chosen twice.
        p: (n,): how likely each is, not necessarily of the sum 1; equally by default.
        device: of integers: where they are; that of `p`, else of `key`, by default.
        out: filled and returned; int64 for integers.

    Returns:
        int64 of shape `size`; or of shape (*size, *a.shape[1:]), of the tensor's dtype and device.

    Raises:
        TypeError: a key, a, size or p of the wrong kind.
        ValueError: nothing to choose from; without replacement, a size above n; weights that `multinomial`
            refuses.
    """
    key = keys.single(key, "choice takes")
    rows = a if isinstance(a, Tensor) else None
    if rows is not None:
        if rows.dim() == 0:
            raise UsageError("a tensor to choose from must have a dimension; of integers, give int(a)")
        if device is not None:
            raise UsageTypeError("device is of a choice of integers; a tensor's rows stay where they are")
    n = rows.shape[0] if rows is not None else keys.integer("a, where it is no tensor,", a)
    shape = shape_of((size,))
    count = torch.Size(shape).numel()
    if n < 0 or (n == 0 and count):
        raise UsageError(f"there must be something to choose from: a has {n} entries")
    if n > _MOST:
        raise UsageError(f"a must be at most 2**40, not {n}")
    if not replace and count > n:
        raise UsageError(f"{count} of {n} cannot be chosen without replacement: size={shape}")
    weights = None
    if p is not None:
        weights = p if isinstance(p, Tensor) else torch.tensor(p, dtype=torch.float64)
        if tuple(weights.shape) != (n,):
            raise UsageError(
                f"p must have one number for each of the {n}, not the shape {tuple(weights.shape)}"
            )
    _check_out(out, shape if rows is None else (*shape, *rows.shape[1:]), device)
    if out is not None and out.dtype is not (torch.int64 if rows is None else rows.dtype):
        raise UsageTypeError(
            f"out must have the dtype {torch.int64 if rows is None else rows.dtype}, not {out.dtype}"
        )
    where = rows.device if rows is not None else out.device if out is not None else device
    if not count:
        chosen = torch.empty(0, dtype=torch.int64, device=key.device if where is None else where)
    elif weights is not None:
        chosen = multinomial(key, weights, count, replace, device=where)
    elif replace:
        chosen = randint(key, count, low=0, high=n, dtype=torch.int64, device=where)
    else:
        chosen = permutation(key, n, device=where)[:count]
    if rows is not None:
        made = rows.index_select(0, chosen).reshape(*shape, *rows.shape[1:])
    else:
        made = chosen.reshape(shape) if chosen.numel() == n or replace else chosen.clone().reshape(shape)
    return made if out is None else out.copy_(made)


def _of_rows(key: Tensor, x: Tensor, dim: int, out: Tensor | None) -> Tensor:
    key = keys.single(key, "permutation of a tensor takes")
    if x.dim() == 0:
        raise UsageError("a tensor to permute must have a dimension; for integers, give int(n)")
    if not -x.dim() <= dim < x.dim():
        raise UsageError(f"dim must be {-x.dim()} to {x.dim() - 1} for the shape {tuple(x.shape)}, not {dim}")
    _check_out(out, tuple(x.shape), None)
    if out is not None and out.dtype is not x.dtype:
        raise UsageTypeError(f"out must have the tensor's dtype {x.dtype}, not {out.dtype}")
    rows = x.index_select(dim, _new(key, x.shape[dim], x.device))
    return rows if out is None else out.copy_(rows)


def _check_out(out: Tensor | None, shape: tuple[int, ...], device: Device) -> None:
    if out is None:
        return
    if device is not None and torch.device(device) != out.device:
        raise UsageError(f"out lies on {out.device}, but device={device} was asked for")
    if tuple(out.shape) != shape:
        raise UsageError(f"out has the shape {tuple(out.shape)}, but {shape} was asked for")


def _new(key: Tensor, n: int, device: torch.device) -> Tensor:
    """int64 of shape (*batch, n): the order of each key."""
    if custom_ops.can_skip_dispatcher(key):
        if key.dim() == 1 and device == key.device:
            return _fill(key.new_empty(n, dtype=torch.int64), key)  # the quicker way to make a small one
        return _fill(torch.empty((*key.shape[:-1], n), dtype=torch.int64, device=device), key)
    made: Tensor = torch.ops.samebits.permutation(key, n, device)
    return made


def _fill(out: Tensor, key: Tensor) -> Tensor:
    """Fill int64, contiguous, of shape (*batch, n)."""
    if out.numel() == 0:
        return out
    loaded = core.get() if out.is_cpu else None
    if loaded is not None and not _sorted_by_core(loaded, out, key):
        return out
    fill(out, Distribution.INTEGER, key, UNIT)
    out.bitwise_xor_(_SIGN)  # words have no sign, int64 has
    return out.copy_(torch.sort(out, dim=-1, stable=True).indices)


def _sorted_by_core(loaded: core.Core, out: Tensor, key: Tensor) -> int:
    """0, or another number where memory is short."""
    pairs = (key if key.is_cpu else key.cpu()).contiguous()
    sort = _function(loaded)
    status: int = sort(
        out.data_ptr(), pairs.data_ptr(), pairs.numel() >> 1, out.shape[-1], torch.get_num_threads()
    )
    return status


@cache
def _function(loaded: core.Core) -> Any:
    sort = loaded.functions.sb_permutation
    pointer, number = ctypes.c_void_p, ctypes.c_int64
    sort.argtypes = [pointer, pointer, number, number, ctypes.c_int]
    return sort


@library.custom_op("samebits::permutation", mutates_args=())
def _permutation(key: Tensor, n: int, device: torch.device) -> Tensor:
    return _fill(torch.empty((*key.shape[:-1], n), dtype=torch.int64, device=device), key)


@_permutation.register_fake
def _(key: Tensor, n: int, device: torch.device) -> Tensor:
    return torch.empty((*key.shape[:-1], n), dtype=torch.int64, device=device)


@_permutation.register_vmap
def _(
    info: Any, in_dims: tuple[int | None, ...], key: Tensor, n: int, device: torch.device
) -> tuple[Tensor, int]:
    assert in_dims[0] is not None
    made: Tensor = torch.ops.samebits.permutation(key.movedim(in_dims[0], 0), n, device)
    return made, 0
