"""What holds random state, and how it is read and written: one `Adapter` for each kind.

A captured state is plain data: dicts, lists, strings, ints, floats, None and CPU
tensors, which is what `torch.load(weights_only=True)` lets pass (a numpy array
or an int in a foreign class is refused there: transformers#40500).  So arrays
of a numpy state become tensors of the same width and bits, and its integers,
PCG64's of 128 bits among them, hexadecimal strings.

An accelerator that is not initialised has drawn nothing: it is not captured,
and is not initialised for it, which would cost seconds and memory and make the
process unfit to fork.  What `torch.manual_seed` has queued for it stays queued.

Not state: `random.SystemRandom` has none, and a class of the program's own that
replaces `getstate` keeps it in a form nobody else knows.
"""

from __future__ import annotations

import copy
import random
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from samebits.errors import StateError as StateError
from samebits.seeding.accelerator import current_accelerator, is_initialized
from samebits.seeding.mt19937 import numpy_state, torch_state
from samebits.seeding.serialization import (
    checked_tensor,
    equal,
    from_plain,
    sequence_from_plain,
    sequence_to_plain,
    to_plain,
)

if TYPE_CHECKING:
    import numpy as np
    import torch

    from samebits.seeding.derive import Key


class Adapter(Protocol):
    """One thing that holds random state."""

    @property
    def kind(self) -> str:
        """What states fit: two adapters of one kind can take each other's."""

    @property
    def identity(self) -> int:
        """Equal for two that draw from one state; valid while the adapter lives."""

    def capture(self) -> dict[str, Any]:
        """The state as plain data that nothing else holds."""

    def check(self, state: Mapping[str, Any]) -> None:
        """Find out whether `restore` would work, without changing anything.

        Raises:
            ValueError: it would not; the text says why.
        """

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from `state`, which was checked."""

    def save(self) -> Any:
        """Everything there is, for `put_back` in this process."""

    def put_back(self, saved: Any) -> None:
        """Undo what happened since `save`."""

    def start(self, key: Key) -> None:
        """Continue at the start of the stream of `key`."""


def adapter_of(thing: object) -> Adapter | None:
    """The adapter for a generator object; None for anything else.  Runs no code of the program."""
    kind = type(thing)
    if issubclass(kind, random.Random):
        return _Python(thing) if keeps_python_state(kind) else None  # type: ignore[arg-type]
    streams: Any = sys.modules.get("samebits.seeding.streams")  # whoever holds one has imported it
    if streams is not None and kind is streams.Streams:
        return streams.StreamsState(thing)  # type: ignore[no-any-return]
    numpy: Any = sys.modules.get("numpy.random")
    if numpy is not None:
        if issubclass(kind, numpy.Generator):
            return _NumpyBits(numpy.Generator.bit_generator.__get__(thing))
        if issubclass(kind, numpy.BitGenerator):
            return _NumpyBits(thing)  # type: ignore[arg-type]
        if issubclass(kind, numpy.RandomState):
            return _NumpyLegacy(thing)  # type: ignore[arg-type]
    torch: Any = sys.modules.get("torch")
    if torch is not None and issubclass(kind, torch.Generator):
        return _Torch(thing)  # type: ignore[arg-type]
    return None


def keeps_python_state(kind: type) -> bool:
    """Whether a subclass of `random.Random` leaves its state to it."""
    return not any(
        name in vars(base)
        for base in kind.__mro__[: kind.__mro__.index(random.Random)]
        for name in ("getstate", "setstate")
    )


def process_wide() -> dict[str, Adapter]:
    """Every generator behind a module's functions: python, numpy, torch:cpu, and torch:cuda:0 and so on."""
    import torch

    adapters: dict[str, Adapter] = {
        "python": _Python(random._inst),
        "numpy": _NumpyGlobal(),
        "torch:cpu": _Torch(torch.default_generator),
    }
    found = current_accelerator()
    if found is not None and is_initialized(found[1]):
        kind, module = found
        for index in range(module.device_count()):
            adapters[f"torch:{kind}:{index}"] = _Device(kind, module, index)
    return adapters


def rewind_device(adapter: Adapter) -> None:
    """Put a device's generator at the start of the stream it was seeded with, as if it had drawn nothing."""
    if isinstance(adapter, _Device):
        adapter.rewind()


class _Python:
    """`random.Random`: 624 words and a position, and a normal number left over from a pair."""

    kind = "random.Random"

    def __init__(self, generator: random.Random) -> None:
        self._generator = generator

    @property
    def identity(self) -> int:
        return id(self._generator)

    def capture(self) -> dict[str, Any]:
        import torch

        version, words, normal = random.Random.getstate(self._generator)
        return {"version": version, "words": torch.tensor(words, dtype=torch.int64), "gauss_next": normal}

    def check(self, state: Mapping[str, Any]) -> None:
        random.Random(0).setstate(_python_state(state))

    def restore(self, state: Mapping[str, Any]) -> None:
        random.Random.setstate(self._generator, _python_state(state))

    def save(self) -> Any:
        return random.Random.getstate(self._generator)

    def put_back(self, saved: Any) -> None:
        random.Random.setstate(self._generator, saved)

    def start(self, key: Key) -> None:
        key.set_python(self._generator)


def _python_state(state: Mapping[str, Any]) -> tuple[Any, ...]:
    words = checked_tensor(state["words"], "int64", 625)
    normal = state["gauss_next"]
    if normal is not None and not isinstance(normal, float):
        raise ValueError(f"gauss_next must be a float or None, got {normal!r}")
    return state["version"], tuple(words.tolist()), normal


class _NumpyBits:
    """A numpy bit generator, on its own or in any number of `np.random.Generator`s.

    The count of children that were spawned belongs to it: without it, `spawn` after a resume hands out
    the children of before.
    """

    def __init__(self, bits: np.random.BitGenerator) -> None:
        self._bits: Any = bits
        self.kind = f"np.random.Generator({type(bits).__name__})"

    @property
    def identity(self) -> int:
        return id(self._bits)

    def capture(self) -> dict[str, Any]:
        return {"bits": to_plain(self._bits.state), "seed_sequence": sequence_to_plain(self._bits.seed_seq)}

    def check(self, state: Mapping[str, Any]) -> None:
        trial = _NumpyBits(copy.deepcopy(self._bits))
        trial.restore(state)
        if not equal(trial.capture()["bits"], state["bits"]):
            raise ValueError("the bit generator does not keep this state as it is")

    def restore(self, state: Mapping[str, Any]) -> None:
        bits = from_plain(self._bits.state, state["bits"])
        wanted = state["seed_sequence"]
        current = sequence_to_plain(self._bits.seed_seq)
        if wanted is None or wanted == current:
            self._bits.state = bits
        elif current is None:
            raise ValueError("this bit generator was made without a SeedSequence, the captured one with one")
        else:  # the count of spawned children cannot be written in place
            self._bits.__setstate__((bits, sequence_from_plain(wanted)))

    def save(self) -> Any:
        sequence = self._bits.seed_seq
        return self._bits.state, sequence, sequence_to_plain(sequence)

    def put_back(self, saved: Any) -> None:
        bits, sequence, plain = saved
        if plain is not None and plain != sequence_to_plain(sequence):
            sequence = sequence_from_plain(plain)
        self._bits.__setstate__((bits, sequence))

    def start(self, key: Key) -> None:
        import numpy as np

        fresh = type(self._bits)(np.random.SeedSequence(key.integer(128)))
        self._bits.__setstate__((fresh.state, fresh.seed_seq))


class _NumpyLegacy:
    """`np.random.RandomState`: its bit generator's state, and a normal number left over from a pair."""

    def __init__(self, generator: np.random.RandomState) -> None:
        self._generator: Any = generator

    @property
    def kind(self) -> str:
        return f"np.random.RandomState({type(self._bits()).__name__})"

    @property
    def identity(self) -> int:
        return id(self._generator)

    def _bits(self) -> Any:
        return self._generator._bit_generator

    def capture(self) -> dict[str, Any]:
        return {"bits": to_plain(self.save())}

    def check(self, state: Mapping[str, Any]) -> None:
        import numpy as np

        trial = _NumpyLegacy(np.random.RandomState(copy.deepcopy(self._bits())))
        trial.restore(state)
        if not equal(trial.capture(), state):
            raise ValueError("the bit generator does not keep this state as it is")

    def restore(self, state: Mapping[str, Any]) -> None:
        self._generator.set_state(from_plain(self._generator.get_state(legacy=False), state["bits"]))

    def save(self) -> Any:
        return self._generator.get_state(legacy=False)

    def put_back(self, saved: Any) -> None:
        self._generator.set_state(saved)

    def start(self, key: Key) -> None:
        import numpy as np

        if isinstance(self._bits(), np.random.MT19937):
            self._generator.set_state(numpy_state(key.words(312)))
            return
        fresh = type(self._bits())(np.random.SeedSequence(key.integer(128)))
        self._generator.set_state({**fresh.state, "has_gauss": 0, "gauss": 0.0})


class _NumpyGlobal(_NumpyLegacy):
    """What `np.random`'s functions draw from; `np.random.set_bit_generator` may have exchanged it."""

    def __init__(self) -> None:
        import numpy as np

        super().__init__(np.random.mtrand._rand)

    def save(self) -> Any:
        return self._bits(), super().save()

    def capture(self) -> dict[str, Any]:
        return {"bits": to_plain(super().save())}

    def put_back(self, saved: Any) -> None:
        import numpy as np

        bits, state = saved
        if self._bits() is not bits:
            set_bit_generator: Any = getattr(np.random, "set_bit_generator")  # noqa: B009  # stubs lack it
            set_bit_generator(bits)
        super().put_back(state)


class _Torch:
    """`torch.Generator` on any device."""

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator
        self.kind = f"torch.Generator({generator.device.type})"

    @property
    def identity(self) -> int:
        return id(self._generator)

    def capture(self) -> dict[str, Any]:
        return {"state": self._generator.get_state()}

    def check(self, state: Mapping[str, Any]) -> None:
        import torch

        wanted = checked_tensor(state["state"], "uint8", self._generator.get_state().numel())
        trial = torch.Generator(self._generator.device)
        trial.set_state(wanted)
        if not torch.equal(trial.get_state(), wanted):
            raise ValueError("the generator does not keep this state as it is")

    def restore(self, state: Mapping[str, Any]) -> None:
        self._generator.set_state(checked_tensor(state["state"], "uint8"))

    def save(self) -> Any:
        return self._generator.get_state()

    def put_back(self, saved: Any) -> None:
        self._generator.set_state(saved)

    def start(self, key: Key) -> None:
        if self._generator.device.type == "cpu":
            self._generator.set_state(torch_state(key.words(312)))
        else:
            self._generator.manual_seed(key.integer(64))


class _Device:
    """The default generator of one device of an accelerator, through its module (`torch.cuda` for one)."""

    def __init__(self, kind: str, module: Any, index: int) -> None:
        self._module = module
        self._index = index
        self.kind = f"torch.Generator({kind})"

    @property
    def identity(self) -> int:
        """That of the generator object where the module has it: a program may hold it, too."""
        generators = getattr(self._module, "default_generators", ())
        return id(generators[self._index]) if len(generators) > self._index else -1 - self._index

    def capture(self) -> dict[str, Any]:
        return {"state": self.save()}

    def check(self, state: Mapping[str, Any]) -> None:
        checked_tensor(state["state"], "uint8", self.save().numel())

    def restore(self, state: Mapping[str, Any]) -> None:
        self._module.set_rng_state(checked_tensor(state["state"], "uint8"), self._index)

    def save(self) -> Any:
        return self._module.get_rng_state(self._index)

    def put_back(self, saved: Any) -> None:
        if is_initialized(self._module):  # not so in a forked child, which cannot use it
            self._module.set_rng_state(saved, self._index)

    def start(self, key: Key) -> None:
        generators = getattr(self._module, "default_generators", ())
        if len(generators) > self._index:
            generators[self._index].manual_seed(key.integer(64))
        else:
            self._module.manual_seed(key.integer(64))

    def rewind(self) -> None:
        generators = getattr(self._module, "default_generators", ())
        if len(generators) > self._index:
            generators[self._index].manual_seed(generators[self._index].initial_seed())
