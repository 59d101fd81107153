"""The state of the portable mode's stream: a table in the state of torch's own CPU generator.

A CPU generator's state is 5,056 bytes, of which 624 words of 32 bits are its Mersenne
twister's.  The table lies in these words.  So whatever saves, restores, rewinds or
seeds the generator does it to the stream, and nothing needs to be hooked:
`torch.get_rng_state`, `fork_rng`, activation checkpointing, `torch.manual_seed`,
a forked worker's seeding, a checkpoint of the training.

The table: a mark, the stream's key, how many draws there were outside every scope, and
for each scope a hash of its path and how many draws there were inside.  A generator that
has no table begins one: with `key(seed)` where its state is as its seed left it, else (torch
itself drew from it) with a digest of its state.  Words behind the table stay as
they were, so that torch itself can still draw; that overwrites the mark, and the stream
goes on from there as from any other place.

A CUDA generator's state is a seed and an offset, which do for the key and the number of
draws.

Each rank has a stream of its own: rank 0 that of the seed, every other one the stream of a key
folded in.  A scope whose path begins with "/" is one that all ranks draw alike in: its key is
derived from the mode's seed, whatever the rank, and whatever `torch.manual_seed` began since.
"""

from __future__ import annotations

import ctypes
import struct
import threading
from functools import lru_cache
from typing import Final

import torch
import xxhash
from torch import Tensor

from samebits._runtime import forks
from samebits.errors import StateError, UsageTypeError
from samebits.random import keys, philox
from samebits.random.portable_mode import scopes

#: How a CPU generator's state begins: seed, how many words are left, whether it was seeded, the next word.
_HEAD: Final = struct.Struct("<QiiQ")
_SIZE: Final = 5056
_WORDS: Final = 624
_MARK: Final = (0x73616D65, 0x62697401)  # its last byte is the table's version
#: The mark, how many scopes, the key, the draws outside every scope: words of 32 bits in fields of 64.
_TABLE: Final = struct.Struct("<9Q")
_PAIR: Final = struct.Struct("<2Q")
_SCOPE: Final = struct.Struct("<4Q")
_SCOPES_AT: Final = _HEAD.size + _TABLE.size
_DRAWS_AT: Final = _SCOPES_AT - _PAIR.size
#: How many scopes have room.
ROOM: Final = (_WORDS - 9) // 4

_LOW: Final = (1 << 32) - 1
_Bytes: Final = ctypes.c_char * _SIZE
#: What a CUDA generator's offset moves by: the words of one call of Philox, in which torch counts.
_STEP: Final = 4

Key = tuple[int, int]

#: A signal's handler may ask in the middle of a step of its own thread.
_lock = threading.RLock()
_steps = 0


def _after_fork() -> None:
    """A child forked while another thread holds the lock has no such thread."""
    global _lock
    _lock = threading.RLock()


forks.register(after_in_child=_after_fork)


def begin(seed: Key, rank: int) -> None:
    """Begin the default generator's stream anew, with a rank's key of a seed's; no scope has its path."""
    key = _scope_key(*seed, f"rank//{rank}") if rank else seed
    with _lock:
        torch.default_generator.manual_seed(key[0])
        if key[1]:  # else a generator as its seed left it begins with this key
            state = torch.default_generator.get_state()
            _write(_Bytes.from_address(state.data_ptr()), key, 0, ())
            torch.default_generator.set_state(state)


def advance(generator: torch.Generator | None, path: str) -> tuple[Key, int]:
    """One draw more: the key of its stream, and its number in it, from which `fold_in` makes its key.

    Args:
        generator: what was passed to the draw; None for torch's default CPU generator, on every device.
        path: the scope that the draw is in, "" for none; a generator that was passed has no scopes.
    """
    if generator is None or generator.device.type == "cpu":
        with _lock:
            return _step(torch.default_generator, path) if generator is None else _step(generator, "")
    with _lock:
        offset = generator.get_offset()
        generator.set_offset(offset + _STEP)
    return (_unsigned(generator.initial_seed()), 0), offset // _STEP


def retreat(generator: torch.Generator | None, path: str, number: int) -> None:
    """A draw that failed is none, unless others have followed it.

    Args:
        generator, path: as of `advance`.
        number: what that gave.
    """
    with _lock:
        if generator is None or generator.device.type == "cpu":
            _back(
                torch.default_generator if generator is None else generator,
                path if generator is None else "",
                number,
            )
        elif generator.get_offset() == (number + 1) * _STEP:
            generator.set_offset(number * _STEP)


def _back(generator: torch.Generator, path: str, number: int) -> None:
    state = generator.get_state()
    view = _Bytes.from_address(state.data_ptr())
    table = _TABLE.unpack_from(view, _HEAD.size)
    if table[:2] != _MARK:
        return
    place = _place(view, table[2], path) if path else _DRAWS_AT
    if _PAIR.unpack_from(view, place) == _halves(number + 1):
        _PAIR.pack_into(view, place, *_halves(number))
        generator.set_state(state)


def _step(generator: torch.Generator, path: str) -> tuple[Key, int]:
    global _steps
    while True:
        seen = _steps
        state, key, number = _next(generator, path)
        if seen == _steps:  # else a signal's handler has drawn meanwhile
            _steps += 1
            generator.set_state(state)
            return key, number


def _next(generator: torch.Generator, path: str) -> tuple[Tensor, Key, int]:
    """The state after one draw more, the stream's key and the draw's number."""
    state = generator.get_state()
    view = _Bytes.from_address(state.data_ptr())
    table = _TABLE.unpack_from(view, _HEAD.size)
    if table[:2] != _MARK:
        table = _begin(view, generator)
    seed, offset = table[3] | table[4] << 32, table[5] | table[6] << 32
    if path:
        root = scopes.shared_key(path) if path[0] == "/" else (seed, offset)
        seed, offset = _scope_key(*root, path)
        place = _place(view, table[2], path)
        low, high = _PAIR.unpack_from(view, place)
    else:
        place, low, high = _DRAWS_AT, table[7], table[8]
    number = low | high << 32
    _PAIR.pack_into(view, place, number + 1 & _LOW, number + 1 >> 32 & _LOW)
    return state, (seed, offset), number


def _begin(view: ctypes.Array[ctypes.c_char], generator: torch.Generator) -> tuple[int, ...]:
    """Write an empty table over a state without one."""
    _, left, _, following = _HEAD.unpack_from(view)
    seed = _unsigned(generator.initial_seed())
    first = struct.unpack_from("<Q", view, _HEAD.size)[0]
    if (left, following, first) == (1, 0, seed & _LOW):
        key = seed, 0
    else:
        digest = xxhash.xxh3_128_intdigest(bytes(view))
        key = digest & philox.WRAP, digest >> 64
        # The twister starts anew from its words, of which the table is a part.
        _HEAD.pack_into(view, 0, seed, 1, 1, 0)
    return _write(view, key, 0, ())


def _write(
    view: ctypes.Array[ctypes.c_char], key: Key, draws: int, scopes: tuple[tuple[int, int], ...]
) -> tuple[int, ...]:
    table = (*_MARK, len(scopes), *_halves(key[0]), *_halves(key[1]), *_halves(draws))
    _TABLE.pack_into(view, _HEAD.size, *table)
    for number, (name, count) in enumerate(scopes):
        _SCOPE.pack_into(view, _SCOPES_AT + number * _SCOPE.size, *_halves(name), *_halves(count))
    return table


def _place(view: ctypes.Array[ctypes.c_char], count: int, path: str) -> int:
    """Where a scope's number of draws lies; a scope that is new gets a place."""
    wanted = _halves(_name(path))
    fields = struct.unpack_from(f"<{4 * count}Q", view, _SCOPES_AT)
    for number in range(count):
        if fields[4 * number : 4 * number + 2] == wanted:
            return _SCOPES_AT + number * _SCOPE.size + _PAIR.size
    if count == ROOM:
        raise StateError(
            f"samebits.random.scope({path!r}): a generator's state has room for {ROOM} scopes, and they are "
            "taken. Use fewer names: a scope that is entered again goes on where it was. Or draw with keys: "
            "samebits.random.fold_in(key, name) has no end."
        )
    place = _SCOPES_AT + count * _SCOPE.size
    _SCOPE.pack_into(view, place, *wanted, 0, 0)
    struct.pack_into("<Q", view, _HEAD.size + 16, count + 1)
    return place + _PAIR.size


@lru_cache(1024)
def _scope_key(seed: int, offset: int, path: str) -> Key:
    """What `fold_in(key, path)` gives."""
    digest = xxhash.xxh3_128_intdigest(path.encode())
    return keys.derived(seed, offset, digest & philox.WRAP, digest >> 64 | 1)


@lru_cache(1024)
def _name(path: str) -> int:
    return xxhash.xxh3_64_intdigest(path.encode())


def _halves(number: int) -> tuple[int, int]:
    return number & _LOW, number >> 32


def _unsigned(number: int) -> int:
    return number & philox.WRAP


def saved() -> Tensor:
    """The default generator's table: int64 of shape (4 + 2 * scopes,)."""
    with _lock:
        state = torch.default_generator.get_state()
        view = _Bytes.from_address(state.data_ptr())
        table = _TABLE.unpack_from(view, _HEAD.size)
        if table[:2] != _MARK:
            table = _begin(view, torch.default_generator)
            torch.default_generator.set_state(state)
        fields = struct.unpack_from(f"<{4 * table[2]}Q", view, _SCOPES_AT)
    halves = (*table[:2], *table[3:], *fields)
    joined = [low | high << 32 for low, high in zip(halves[::2], halves[1::2], strict=True)]
    return torch.tensor(joined, dtype=torch.uint64, device="cpu").view(torch.int64)


def put_back(saved: Tensor) -> None:
    """What `saved` gave is the default generator's table again.

    Raises:
        TypeError: it is no int64 tensor.
        StateError: it is not of this kind.
    """
    if not isinstance(saved, Tensor) or saved.dtype is not torch.int64:
        raise UsageTypeError(
            "samebits.random.set_state: expected the int64 tensor that samebits.random.get_state gave, got "
            f"{f'a tensor of {saved.dtype}' if isinstance(saved, Tensor) else type(saved).__name__}."
        )
    values = [_unsigned(value) for value in saved.tolist()] if saved.dim() == 1 else []
    if (
        len(values) < 4
        or len(values) % 2
        or values[0] != _MARK[0] | _MARK[1] << 32
        or len(values) > 4 + 2 * ROOM
    ):
        raise StateError(
            "samebits.random.set_state: this tensor is not what samebits.random.get_state gave, or it is of "
            "another version; torch's own states are for torch.set_rng_state."
        )
    _, seed, offset, draws, *scopes = values
    with _lock:
        state = torch.default_generator.get_state()
        view = _Bytes.from_address(state.data_ptr())
        head = _HEAD.unpack_from(view)
        _HEAD.pack_into(view, 0, head[0], 1, 1, 0)
        _write(view, (seed, offset), draws, tuple(zip(scopes[::2], scopes[1::2], strict=True)))
        torch.default_generator.set_state(state)
