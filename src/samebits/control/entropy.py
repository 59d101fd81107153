"""Generators that a program makes or seeds without a seed get a derived one, not the operating system's.

Each library asks for entropy in one place, and that place is taken over while
control lasts: numpy's bit generators through the name `randbits` in
`numpy.random.bit_generator`, Python's through `random.Random.seed`, torch's through
`torch.seed` and its devices' functions.  (`torch.Generator.seed` is a method of a type that
cannot be changed; calls of it are met in user code, see `seed_calls`.)

A derived seed depends on the module that asks and on how often it asked, so that
libraries do not move the program's own.  The operating system's entropy itself
stays: `os.urandom`, `secrets`, `uuid4`, `random.SystemRandom` and the names of temporary
files must stay unique among runs, and `time` and `getpid` true.
"""

from __future__ import annotations

import functools
import random
import sys
from collections.abc import Callable
from contextlib import ExitStack
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Any, Final

from samebits._runtime import imports
from samebits._runtime.patcher import Patcher, replace
from samebits.control.process_key import ProcessKey
from samebits.control.program_seeds import ProgramSeeds
from samebits.seeding.derive import Key

#: Modules of generators: who calls them is asked one frame further up.
_BETWEEN: Final = ("random", "numpy.random", "torch.random", "samebits", "functools", "copyreg", "copy")
#: Files of ours that call a function for user code.
STAND_INS: Final = ("samebits.control.entropy", "samebits.control.seed_calls", "samebits.usercode.probes")
_ACCELERATORS: Final = ("torch.cuda", "torch.mps", "torch.xpu")


class EntropySource(Patcher):
    """Hands out the derived seeds, and takes over the places where libraries ask for entropy."""

    def __init__(self, process_key: ProcessKey, seeds: ProgramSeeds) -> None:
        super().__init__()
        self.process_key = process_key
        self._seeds = seeds
        self.python_seeds = 0  # a digest of how the program seeded Python's generator, and how
        self.numpy_seeds = 0  # it seeded numpy's

    def key(self, kind: str, asking: str | None = None) -> Key:
        """The key of the next thing of a kind that was made without a seed."""
        asking = _asking() if asking is None else asking
        return self.process_key.key("unseeded", kind, asking, self.process_key.count(f"{kind} {asking}"))

    def install(self) -> None:
        self._python()
        self._after("tempfile", self._tempfile)
        self._after("numpy.random", self._numpy)

    def _gives(self, library: str) -> bool:
        """Whether what a library makes without a seed gets a derived one."""
        return self._alive and self.process_key.control.has(library)

    # -- Python ------------------------------------------------------------------------------------
    def _python(self) -> None:
        original = random.Random.seed
        shared = random._inst

        @functools.wraps(original)
        def seed(self_: random.Random, a: Any = None, version: int = 2) -> None:
            if self._alive:
                if a is None:
                    if self._gives("python"):
                        a, version = self.key("python").integer(128), 2
                else:
                    self._seeds.clocks.seeded("random.seed" if self_ is shared else "random.Random", a)
                    if self_ is shared:
                        self.python_seeds = mixed(self.python_seeds, a)
            original(self_, a, version)

        self._replace(random.Random, "seed", seed)
        self._replace(random, "seed", shared.seed)

    def _tempfile(self, tempfile: ModuleType) -> None:
        # Names of temporary files and of semaphores: two runs at a time must not try the same ones.
        if getattr(tempfile, "_Random", None) is random.Random:
            self._replace(tempfile, "_Random", random.SystemRandom)

    # -- numpy -------------------------------------------------------------------------------------
    def _numpy(self, numpy_random: ModuleType) -> None:
        generators = sys.modules["numpy.random.bit_generator"]
        original = generators.randbits

        def randbits(k: int) -> int:
            caller = str(sys._getframe(1).f_globals.get("__name__", ""))
            if not self._gives("numpy") or (caller.startswith("samebits.") and caller not in STAND_INS):
                return int(original(k))  # a bit generator of ours: it has a key, and asks all the same
            key, number = self.key("numpy"), 0
            for part in range(-(-k // 128)):
                number |= key.child(part).integer(128) << 128 * part
            return number & ((1 << k) - 1)

        self._replace(generators, "randbits", randbits)
        if "numba" not in sys.modules:
            self._numpy_seed(numpy_random)

    def _numpy_seed(self, numpy_random: Any) -> None:
        """Look at legacy seeds, whoever gives them; until numba comes, which knows the function itself."""
        original = numpy_random.seed

        @functools.wraps(original)
        def seed(*args: Any, **kwargs: Any) -> None:
            original(*args, **kwargs)
            if self._alive and args:
                self._seeds.clocks.seeded("numpy.random.seed", args[0])

        seed.__module__ = "numpy.random"
        undo = ExitStack()
        undo.callback(replace(numpy_random, "seed", seed))

        def found(spec: ModuleSpec) -> None:
            if spec.name == "numba":
                undo.close()

        undo.callback(imports.on_found(found).cancel)
        self._undo.callback(undo.close)

    # -- torch -------------------------------------------------------------------------------------
    def torch(self, torch: ModuleType) -> None:
        """To be called once torch is there."""
        self._reseeding(torch.random, "seed", torch.random.manual_seed, "torch")
        self._replace(torch, "seed", torch.random.seed)
        for name in _ACCELERATORS:
            module = sys.modules.get(name)
            for seed, manual in (("seed", "manual_seed"), ("seed_all", "manual_seed_all")):
                if module is not None and hasattr(module, seed) and hasattr(module, manual):
                    self._reseeding(module, seed, getattr(module, manual), name)
                    inner = sys.modules.get(f"{name}.random")
                    if inner is not None and hasattr(inner, seed):
                        self._replace(inner, seed, getattr(module, seed))

    def _reseeding(self, module: Any, name: str, manual: Callable[[int], Any], kind: str) -> None:
        original = getattr(module, name)

        @functools.wraps(original)
        def seed() -> int | None:
            if not self._gives("torch"):
                return original()  # type: ignore[no-any-return]
            number = self.key(kind).integer(63)
            with self._seeds.derived():
                manual(number)
            return number if kind == "torch" else None

        self._replace(module, name, seed)


def _asking() -> str:
    """The name of the module that asks for entropy, past the generators' own."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if not any(name == each or name.startswith(each + ".") for each in _BETWEEN):
            return name
        frame = frame.f_back
    return ""


def mixed(before: int, value: Any) -> int:
    """A digest of a seed and those before it; of a value that has no fixed text only the kind counts."""
    text = repr(value) if isinstance(value, int | float | str | bytes) else type(value).__name__
    return Key(before, ("seed", text)).integer(64)
