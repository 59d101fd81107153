"""Derivation: one root seed and a path give one stream, and no other path gives it.

A `Key` is a root (128 bits) and a path of names and numbers::

    Key(7).child("worker", 3)

Its *digest* is BLAKE2b-128 of an encoding in which no two keys share bytes: the
root has a fixed width, and every part its kind, its length and its content.
Its *words* are the output of Philox4x64-10 keyed with the digest, counter 1, 2,
...  Everything else is made of those words::

    root ─┐
          ├─ encoding ── BLAKE2b-128 ── digest ── Philox4x64-10 ── words ─┬─ mt19937 state (python, torch CPU)
    path ─┘                                │                              └─ integers, permutations
                                           └─ entropy of a numpy SeedSequence; seed of a CUDA generator,
                                              and of `samebits.random.key`

Why not simply add or hash numbers into a seed: torch's CPU generator keeps 32
bits of one (pytorch `aten/src/ATen/core/MT19937RNGEngine.h`), so hashed seeds
collide after some 10,000 streams; numpy's `SeedSequence` drops trailing zeros,
so `[1]` and `[1, 0]` are one; and `seed + rank` makes neighbours of a sweep
share streams.  Here a whole mt19937 state is injected, of 128 bits.

The bits are an interface: `tests/golden/seeding.json` holds known answers.

References:
    BLAKE2: RFC 7693.  Philox: Salmon et al., "Parallel random numbers: as easy
    as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from samebits.errors import UsageError, UsageTypeError
from samebits.model.seed import SEED_LIMIT as SEED_LIMIT
from samebits.model.seed import checked_seed as checked_seed

if TYPE_CHECKING:
    import random

    import numpy as np
    import numpy.typing as npt
    import torch

#: BLAKE2b's own domain separation; a change of the encoding is a new name.
_PERSON: Final = b"samebits.key.v1"
_PART: Final = struct.Struct("<BQ")  # kind, length of what follows
_INTEGER: Final = struct.Struct("<BQQQ")  # kind, length, low half, high half
_INT_KIND: Final = 0
_STR_KIND: Final = 1
_LOW: Final = 2**64 - 1


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A root seed and a path: the name of one stream of random bits.

    Immutable and hashable; `repr` rebuilds it and `state` is plain data.  Every function of
    `samebits.random` takes it as its key.

    Args:
        root: 0 .. 2**128 - 1.
        path: strings, and integers in 0 .. 2**128 - 1; a 1 and a "1" are different.

    Raises:
        TypeError, ValueError: a root or a part that is neither.
    """

    root: int
    path: tuple[int | str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "root", checked_seed(self.root, "Key"))
        path: object = self.path
        if isinstance(path, str):  # a tuple of its letters else
            raise UsageTypeError(f"Key: the path must be a tuple, got {path!r}; write ({path!r},)")
        object.__setattr__(self, "path", tuple(_checked_part(part) for part in self.path))

    def __repr__(self) -> str:
        return f"Key({self.root}, {self.path})" if self.path else f"Key({self.root})"

    def child(self, *parts: int | str) -> Key:
        """The key of a longer path; independent of this one's stream and of every sibling's."""
        return Key(self.root, self.path + parts)

    @property
    def state(self) -> dict[str, Any]:
        """Plain data for a checkpoint or a log: ``{"root": 7, "path": ["worker", 3]}``."""
        return {"root": self.root, "path": list(self.path)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Key:
        """The key that `state` was taken of."""
        return cls(state["root"], tuple(state["path"]))

    def digest(self) -> bytes:
        """The 16 bytes that everything of this key is made of."""
        digest: bytes = self._hash().digest()
        return digest

    def words(self, count: int) -> npt.NDArray[np.uint64]:
        """The first `count` words of the stream.  Shape (count,), uint64."""
        from numpy.random import Philox

        words: npt.NDArray[np.uint64] = Philox(key=int.from_bytes(self.digest(), "little")).random_raw(count)
        return words

    def integer(self, bits: int = 64) -> int:
        """An integer of 1 .. 128 bits: the low end of the digest."""
        if not 1 <= bits <= 128:
            raise UsageError(f"Key.integer: bits must be in 1 .. 128, got {bits}")
        return int.from_bytes(self.digest(), "little") & ((1 << bits) - 1)

    def permutation(self, count: int) -> npt.NDArray[np.int64]:
        """A random order of 0 .. count - 1: the stable argsort of `words`.  Shape (count,), int64.

        Unlike `torch.randperm`'s it belongs to no version of a library.
        """
        import numpy as np

        return np.argsort(self.words(count), kind="stable").astype(np.int64, copy=False)

    def python(self) -> random.Random:
        """A new `random.Random` at the start of this key's stream."""
        import random

        generator = random.Random(0)
        self.set_python(generator)
        return generator

    def set_python(self, generator: random.Random) -> None:
        """Put a `random.Random` at the start of this key's stream; works without numpy."""
        if "numpy.random" in sys.modules:  # a hundred times as fast
            from samebits.seeding.mt19937 import set_python

            set_python(generator, self.words(312))
        else:
            generator.setstate(self.python_state())

    def python_state(self) -> tuple[Any, ...]:
        """The state, for `random.setstate`, of the start of this key's stream."""
        words = philox(self.digest(), 312)
        return (3, (*(half for word in words for half in (word & 0xFFFFFFFF, word >> 32)), 624), None)

    def numpy(self) -> np.random.Generator:
        """A new `np.random.Generator` (PCG64) at the start of this key's stream."""
        import numpy as np

        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.integer(128))))

    def torch(self, device: str | torch.device = "cpu") -> torch.Generator:
        """A new `torch.Generator` at the start of this key's stream.

        On the CPU the whole mt19937 state comes from this key.  Other devices take 64 bits of it.
        """
        import torch

        from samebits.seeding.mt19937 import torch_state

        generator = torch.Generator(device)
        if generator.device.type == "cpu":
            generator.set_state(torch_state(self.words(312)))
        else:
            generator.manual_seed(self.integer(64))
        return generator

    def numbered(self) -> Callable[[int, int], bytes]:
        """``f(a, b)`` that equals ``key.child(a, b).digest()`` at a third of its cost; a, b < 2**64.

        For loops that derive a stream a sample; nothing is checked.
        """
        prefix = self._hash()
        pack = _INTEGER.pack

        def digest(first: int, second: int) -> bytes:
            copy = prefix.copy()
            copy.update(pack(_INT_KIND, 16, first, 0) + pack(_INT_KIND, 16, second, 0))
            return copy.digest()  # type: ignore[no-any-return]

        return digest

    def _hash(self) -> Any:
        encoded = [self.root.to_bytes(16, "little")]
        for part in self.path:
            if isinstance(part, int):
                encoded.append(_INTEGER.pack(_INT_KIND, 16, part & _LOW, part >> 64))
            else:
                content = part.encode("utf-8", "surrogatepass")
                encoded.append(_PART.pack(_STR_KIND, len(content)) + content)
        return hashlib.blake2b(b"".join(encoded), digest_size=16, person=_PERSON)


def philox(key: bytes, count: int) -> list[int]:
    """`count` words of Philox4x64-10 under a 16-byte key, as numpy's; for where numpy is not.

    numpy counts up before it makes a block, so the first block is of counter 1.
    """
    words: list[int] = []
    low, high = struct.unpack("<QQ", key)
    for counter in range(1, (count + 3) // 4 + 1):
        a, b, c, d, k, m = counter, 0, 0, 0, low, high
        for _ in range(10):
            left, right = a * 0xD2E7470EE14C6C93, c * 0xCA5A826395121157
            a, b, c, d = (right >> 64) ^ b ^ k, right & _LOW, (left >> 64) ^ d ^ m, left & _LOW
            k, m = (k + 0x9E3779B97F4A7C15) & _LOW, (m + 0xBB67AE8584CAA73B) & _LOW
        words += (a, b, c, d)
    return words[:count]


def _checked_part(part: object) -> int | str:
    if isinstance(part, str):
        return str(part)
    try:
        return checked_seed(part, "Key")
    except (TypeError, ValueError):
        raise _not_a_part(part) from None


def _not_a_part(part: object) -> Exception:
    """The error for a part of a path that is neither a name nor a number."""
    text = f"Key: a part of a path must be a str or an int in 0 .. 2**128 - 1, got {part!r}"
    is_int = isinstance(part, int) and not isinstance(part, bool)
    return UsageError(text) if is_int else UsageTypeError(f"{text} ({type(part).__name__})")
