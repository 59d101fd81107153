"""mt19937 in its three homes: Python's `random`, numpy's `np.random`, torch's CPU generator.

All three run one generator and keep its state in forms of their own: 624 words
of 32 bits, a position, and a normal number left over from a pair.  Here 312
words of 64 bits become a state of each, at the start of its block, and the
three process-wide ones are set and put back fast enough to do it per sample.

numpy's own way to get or set such a state walks the words one by one (35
microseconds); the generator publishes the address of its state
(`BitGenerator.ctypes`), so it is copied as a block.  Python's `random.Random`
has no such address; its words lie behind the object's header.  That layout is
tried out before use, and where it is another the public functions do it:
slower, same bits.
"""

from __future__ import annotations

import ctypes
import random
import struct
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch

_N: Final = 624
_DIGEST: Final = struct.Struct("<QQ")

# torch: aten/src/ATen/CPUGeneratorImpl.cpp, CPUGeneratorImplState.  The words lie in uint64.
_TORCH_HEAD: Final = struct.Struct("<Qii Q")  # the seed, left, seeded, next
_TORCH_SIZE: Final = 5056  # the head, the words, and spare normal numbers of both widths


def words32(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint32]:
    """312 words of 64 bits as the 624 of a state, low half first.  Shape (624,), uint32."""
    import numpy as np

    return words.astype("<u8", copy=False).view("<u4").astype(np.uint32, copy=False)


def set_python(generator: random.Random, words: npt.NDArray[np.uint64]) -> None:
    """Put a `random.Random` at the start of the state that 312 words are."""
    home = _FastPython(generator) if _FastPython.works() else _Python(generator)
    home.write(words32(words))


def numpy_state(words: npt.NDArray[np.uint64]) -> dict[str, Any]:
    """The argument of `np.random.RandomState.set_state`."""
    return {
        "bit_generator": "MT19937",
        "state": {"key": words32(words), "pos": _N},
        "has_gauss": 0,
        "gauss": 0.0,
    }


def torch_state(words: npt.NDArray[np.uint64]) -> torch.Tensor:
    """The argument of `torch.Generator.set_state` on the CPU.  Shape (5056,), uint8.

    `initial_seed()` of that generator is then the first word.
    """
    import numpy as np
    import torch

    state = np.zeros(_TORCH_SIZE, np.uint8)
    tensor = torch.from_numpy(state)  # still zeros: an observed run sees no operation that differs
    _TORCH_HEAD.pack_into(state.data, 0, int(words[0]), 1, 1, 0)
    _words_within(state)[:] = words32(words)
    return tensor


class ProcessStreams:
    """Python's, numpy's and torch's process-wide CPU generators, set together from one key's digest.

    For code that does so for every sample.  Not safe against another thread that draws meanwhile;
    nothing that sets process-wide state is.
    """

    __slots__ = ("_numpy", "_philox", "_python", "_state", "_torch", "_torch_state", "_torch_words")

    def __init__(self) -> None:
        import numpy as np
        import torch

        self._philox = np.random.Philox(0)
        self._state: Any = self._philox.state
        python = random._inst  # whose methods the module's functions are
        self._python = _FastPython(python) if _FastPython.works() else _Python(python)
        self._numpy = _Numpy()
        self._torch = torch.default_generator
        self._torch_state = torch_state(np.zeros(312, np.uint64))
        self._torch_words = _words_within(self._torch_state.numpy())

    def set(self, digest: bytes) -> None:
        """Put all three at the start of streams of their own: words 0, 312 and 624 onwards of a key."""
        state = self._state["state"]
        state["key"][:] = _DIGEST.unpack(digest)
        self._philox.state = self._state
        words = self._philox.random_raw(936).view("<u4")
        self._python.write(words[:_N])
        self._numpy.write(words[_N : 2 * _N])
        self._torch_words[:] = words[2 * _N :]
        self._torch.set_state(self._torch_state)

    def save(self) -> tuple[Any, Any, torch.Tensor]:
        """The state of all three, for `put_back`; numpy's spare normal number is taken out until then."""
        return self._python.save(), self._numpy.save(), self._torch.get_state()

    def put_back(self, saved: tuple[Any, Any, torch.Tensor]) -> None:
        """Undo every draw and every `set` since `save`."""
        self._python.put_back(saved[0])
        self._numpy.put_back(saved[1])
        self._torch.set_state(saved[2])


class _Python:
    """The generator behind `random`'s functions, through its public functions."""

    def __init__(self, generator: random.Random) -> None:
        self._generator = generator

    def write(self, words: npt.NDArray[np.uint32]) -> None:
        self._generator.setstate((3, (*words.tolist(), _N), None))

    def save(self) -> Any:
        return self._generator.getstate()

    def put_back(self, saved: Any) -> None:
        self._generator.setstate(saved)


class _FastPython(_Python):
    """The same, through memory: the object's header, the index, 624 words (`_randommodule.c`)."""

    def __init__(self, generator: random.Random) -> None:
        super().__init__(generator)
        self._memory = _memory_at(id(generator) + object.__basicsize__)

    @staticmethod
    @cache
    def works() -> bool:
        """Whether this interpreter keeps the words there; tried on a generator of our own."""
        import _random

        import numpy as np

        if sys.implementation.name != "cpython":
            return False
        if not 4 * (1 + _N) <= _random.Random.__basicsize__ - object.__basicsize__ < 4 * (1 + _N) + 8:
            return False
        generator = random.Random(20)
        fast = _FastPython(generator)
        if [*fast._memory[1:].tolist(), int(fast._memory[0])] != list(generator.getstate()[1]):
            return False
        words = np.arange(7, 7 + _N, dtype=np.uint32)
        fast.write(words)
        return generator.getstate() == (3, (*words.tolist(), _N), None)

    def write(self, words: npt.NDArray[np.uint32]) -> None:
        self._memory[0] = _N
        self._memory[1:] = words
        self._generator.gauss_next = None  # type: ignore[attr-defined]

    def save(self) -> Any:
        return self._memory.copy(), self._generator.gauss_next  # type: ignore[attr-defined]

    def put_back(self, saved: Any) -> None:
        self._memory[:] = saved[0]
        self._generator.gauss_next = saved[1]  # type: ignore[attr-defined]


class _Numpy:
    """The bit generator behind `np.random`'s functions: exchanged for one of ours, and put back."""

    def __init__(self) -> None:
        import numpy as np

        self._random: Any = np.random
        self._own = np.random.MT19937(0)
        self._memory = _numpy_memory(self._own)
        self._current: np.random.BitGenerator = self._own  # the last one saved, and its memory
        self._current_memory: npt.NDArray[np.uint32] | None = self._memory

    def write(self, words: npt.NDArray[np.uint32]) -> None:
        self._memory[:_N] = words
        self._memory[_N] = _N
        self._random.set_bit_generator(self._own)  # drops the spare normal number, too

    def save(self) -> Any:
        """The program's bit generator, the memory of one within another `set`, and a spare normal number.

        Only the slow state dict tells of the spare one.  But drawing a normal number says it as well:
        where one is spare, it is returned and the generator stays.
        """
        current = self._random.get_bit_generator()
        if current is not self._current:
            is_mt19937 = type(current).__name__ == "MT19937"
            self._current, self._current_memory = current, _numpy_memory(current) if is_mt19937 else None
        if self._current_memory is not None:
            words = self._current_memory.copy()
            normal = self._random.standard_normal()
            spare = self._current_memory[_N] == words[_N]
            self._current_memory[:] = words
            return current, (words if current is self._own else None), (normal if spare else None)
        state = current.state
        normal = self._random.standard_normal()
        if str(state) == str(current.state):
            return current, None, normal
        current.state = state
        return current, None, None

    def put_back(self, saved: Any) -> None:
        generator, words, spare = saved
        self._random.set_bit_generator(generator)
        if words is not None:
            self._memory[:] = words
        if spare is not None:
            state: Any = self._random.get_state(legacy=False)
            self._random.set_state({**state, "has_gauss": 1, "gauss": spare})


def _numpy_memory(generator: np.random.BitGenerator) -> npt.NDArray[np.uint32]:
    """The 624 words of numpy's MT19937 and its position, in place (`numpy/random/src/mt19937/mt19937.h`)."""
    return _memory_at(generator.ctypes.state_address)


def _memory_at(address: int) -> npt.NDArray[np.uint32]:
    """625 words of 32 bits, in place: their owner must outlive them.  Shape (625,), uint32."""
    import numpy as np

    memory: Any = (ctypes.c_uint32 * (_N + 1)).from_address(address)
    return np.ndarray((_N + 1,), np.uint32, buffer=memory)


def _words_within(state: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """The words of torch's CPU state, in place.  Shape (624,), uint64."""
    return state[_TORCH_HEAD.size : _TORCH_HEAD.size + 8 * _N].view("<u8")
