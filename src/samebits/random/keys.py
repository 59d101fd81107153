"""Keys: what a random number depends on besides its own number.

A key is a uint64 tensor (seed, offset), as that of `torch.func._random` is, and the
derived keys are the same to the bit.  A `samebits.Key` may be given wherever a key is
expected: it is the key of its digest, a seed of 128 bits.  (A function that is compiled
as one graph is given the tensor, `key(Key(7))`: a compiler follows no hash.)  Keys are
values: nothing is used up by drawing, so whoever draws twice derives two keys.
"""

from __future__ import annotations

import operator
from typing import Any

import torch
import xxhash
from torch import Tensor

from samebits._runtime.kernels import unseen_by_the_compiler
from samebits.errors import UsageError, UsageTypeError
from samebits.model.seed import checked_seed
from samebits.random import core, custom_ops, one_word, philox
from samebits.seeding.derive import Key

__all__ = ["KeyLike", "fold_in", "key", "split"]

#: What every function of `samebits.random` takes as its key.
KeyLike = Tensor | Key

_BITS = 64
#: The subsequence of seeds of more than 64 bits: that of numbers is 0, those of names are odd.
_WIDE = 2


def key(seed: int | Key, *, device: torch.device | str | int | None = None) -> Tensor:
    """The key of a seed, or of a `Key`.

    Two different seeds below 2**64 never give one key.  Wider seeds are mixed into 128 bits, and so is a
    `Key`, whose seed is its digest (``Key.integer(128)``): two of them give one key, or a key of a small
    seed, or counters that overlap, as rarely as 128 random bits do.

    Args:
        seed: 0 .. 2**128 - 1, all bits of which count; or a `Key`.
        device: where the key lies; the CPU by default.

    Returns:
        uint64 of shape (2,): the seed, and the offset 0.  A seed of more than 64 bits gives a key derived
        from its halves.

    Raises:
        UsageTypeError, UsageError: as every function that takes a seed.
    """
    if isinstance(seed, Key):
        return to_tensor(seed, device)
    number = checked_seed(seed, "samebits.random.key")
    return torch.tensor(seeded(number), dtype=torch.uint64, device=device)


def to_tensor(key: Key, device: torch.device | str | int | None = None) -> Tensor:
    """A `Key` as a tensor."""
    return torch.tensor(seeded(key.integer(128)), dtype=torch.uint64, device=device)


unseen_by_the_compiler(to_tensor)  # it knows no hash


def seeded(seed: int) -> tuple[int, int]:
    """The seed and offset of a seed's key; those of more than 64 bits are none that `fold_in` derives."""
    high = seed >> _BITS
    return derived(seed & philox.WRAP, 0, high, _WIDE) if high else (seed, 0)


def split(key: KeyLike, num: int = 2) -> Tensor:
    """`num` keys of a key, independent of each other.

    Args:
        key: a `Key`, or uint64 of shape (*batch, 2).
        num: how many, at least 1.

    Returns:
        uint64 of shape (num, *batch, 2).  The first keys do not depend on `num`.
    """
    key = check(key)
    if integer("num", num) < 1:
        raise UsageError(f"num must be at least 1, not {num}")
    return _derived(key, 0, 0, num)


def fold_in(key: KeyLike, data: int | str) -> Tensor:
    """A key of a key and of a number or a name: ``split(key, data + 1)[data]`` for a number.

    Args:
        key: a `Key`, or uint64 of shape (*batch, 2).
        data: 64 bits, or a text: what is drawn here, e.g. a layer's name, an epoch.

    Returns:
        uint64 of `key`'s shape, (2,) for a `Key`.
    """
    key = check(key)
    if isinstance(data, str):
        n, subsequence = _of_name(data)
    else:
        n, subsequence = unsigned("data", data), 0
    return _derived(key, n, subsequence, 1).squeeze(0)


def _of_name(name: str) -> tuple[int, int]:
    """A name's counter: of no number, as no number has a subsequence."""
    digest = xxhash.xxh3_128_intdigest(name.encode())
    return digest & philox.WRAP, digest >> _BITS | 1


# What torch.compiler.assume_constant_result does, but that imports the compiler, which takes a second.
_of_name._dynamo_marked_constant = True  # type: ignore[attr-defined]


def _derived(key: Tensor, n: int, subsequence: int, count: int) -> Tensor:
    """The keys of n, n + 1, ...: uint64 of shape (count, *key.shape)."""
    loaded = core.get() if key.is_cpu and custom_ops.can_skip_dispatcher(key) else None
    if loaded is None:
        start = one_word.signed(n)
        words = philox.blocks(key, torch.arange(count, device=key.device) + start, subsequence)
        return _of(words).movedim(-2, 0).contiguous()
    out = key.new_empty((count, *key.shape))
    loaded.derive(out, key.contiguous(), n, subsequence, count)
    return out


def derived(seed: int, offset: int, n: int, subsequence: int = 0) -> tuple[int, int]:
    """What `fold_in` does, in Python integers: the derived key's seed and offset."""
    w0, w1, w2, w3 = philox.block(seed, offset + n, subsequence)
    return w0 | w1 << 32, w2 | w3 << 32


def check(key: Any) -> Tensor:
    """Check that this is a key, or a batch of keys, and return it as a tensor.

    Raises:
        UsageTypeError (a TypeError): it is no uint64 tensor and no `Key`.
        UsageError (a ValueError): its last dimension has not two numbers.
    """
    if isinstance(key, Tensor) and key.dtype is torch.uint64 and key.dim() and key.size(-1) == 2:
        return key
    if isinstance(key, Key):
        return to_tensor(key)
    if not isinstance(key, Tensor):
        raise UsageTypeError(
            f"a key comes first: samebits.random.key(seed), or one derived from it; got {_described(key)}"
        )
    if key.dtype is not torch.uint64:
        raise UsageTypeError(
            f"a key is a uint64 tensor, made by samebits.random.key(seed); got one of {key.dtype}"
        )
    raise UsageError(f"a key has the shape (2,), a batch of keys (..., 2); got {tuple(key.shape)}")


def single(key: Any, what: str) -> Tensor:
    """One key, as a tensor.

    Args:
        key: what was given.
        what: what takes it, for the text: "choice takes".

    Raises:
        TypeError: it is no uint64 tensor and no `Key`.
        ValueError: it is a batch of keys, or none.
    """
    one = check(key)
    if one.dim() != 1:
        raise UsageError(f"{what} one key, of shape (2,), not a batch of them: {tuple(one.shape)}")
    return one


def _of(words: philox.Words) -> Tensor:
    w0, w1, w2, w3 = words
    return torch.stack((w0 | w1 << 32, w2 | w3 << 32), -1).to(torch.uint64)  # wraps, as in `philox.blocks`


def _described(value: Any) -> str:
    return f"{value!r}" if isinstance(value, (int, float, str, type(None))) else f"a {type(value).__name__}"


def integer(name: str, value: Any) -> int:
    if isinstance(value, bool):
        raise UsageTypeError(f"{name} must be an integer, not {value!r}")
    try:
        return operator.index(value)
    except TypeError:
        raise UsageTypeError(f"{name} must be an integer, not {_described(value)}") from None


def unsigned(name: str, value: Any) -> int:
    number = integer(name, value)
    if not -(1 << _BITS - 1) <= number < 1 << _BITS:
        raise UsageError(f"{name} must have 64 bits, -2**63 to 2**64 - 1, not {number}")
    return number % (1 << _BITS)
