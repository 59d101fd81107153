"""The control of one process: what `samebits run`, `verify --seed` and `record --seed` change in a program.

One place, so that what is verified is what is run.  Before the interpreter starts
`launch.program` sets the hash secret and cuBLAS's workspace.  In the process:

- each library's process-wide generators are seeded right after the library is
  loaded, to the same bits as one call of `seed_everything` would; none is loaded for it;
- what is made or seeded without a seed gets a derived one (`unseeded`);
- seeds that user code takes from the clock, a pid or entropy are replaced (`seed_calls`);
- DataLoaders without a generator get one (`loaders`);
- results of workers come in the order in which they were asked for (`completion`);
- processes that this one starts are controlled too, each with its own streams (`identity`);
- every operation is made deterministic (`determinism`);
- torch draws the same numbers on every device (`random`).

A generator or a seed that the program sets by itself stays as it sets it; torch's deterministic
flag and cuDNN's autotuning do not move.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

from samebits._runtime.patcher import Patcher
from samebits.control import announced, seed_calls
from samebits.control.entropy import Unseeded
from samebits.control.loaders import Loaders
from samebits.control.obstacle import helps_torch, obstacle, started
from samebits.control.process_key import VARIABLE, Children, Identity
from samebits.control.result_order import Completion
from samebits.manifest import redacted
from samebits.seeding import libraries
from samebits.seeding.derive import Key
from samebits.seeding.everything import SeedPlan, plan_seeds

_WORDS = 6  # of a command that a line names
_installed: Control | None = None


class Control(Patcher):
    """Control of this process, until `uninstall`; generators and torch's flags stay as they are then."""

    def __init__(self, identity: Identity) -> None:
        super().__init__()
        self.identity = identity
        self._told: set[tuple[str, str]] = set()
        if identity.seed is not None:
            self._plan: SeedPlan = plan_seeds(identity.root, rank=identity.rank)
            self.unseeded = Unseeded(identity)
            self.loaders = Loaders(identity, self._reseed)
            self._completion = Completion()

    def install(self, *, observing: bool, rewrite: bool = True) -> None:
        """`observing`: the process is observed, too; `rewrite`: seeds in user code are looked at."""
        if self.identity.seed is not None:
            self._plan.python()
            self.unseeded.install()
            self._undo.callback(self.unseeded.uninstall)
            self._after("numpy.random", self._numpy)
            for name in libraries.known_libraries():
                self._after(name, self._library)
            self._completion.install()
            self._undo.callback(self._completion.uninstall)
            children = Children(
                self.identity, seeds=self._seeds, forked=self._forked, starting=self._starting
            )
            children.install()
            self._undo.callback(children.uninstall)
            if rewrite:
                self._undo.callback(seed_calls.install(self.unseeded, self.loaders, observing=observing))
        self._after("torch", self._torch)

    # -- as libraries are loaded -------------------------------------------------------------------
    def _numpy(self, module: ModuleType) -> None:
        numpy = sys.modules.get("numpy")
        if numpy is not None and "random" not in vars(numpy):
            numpy.random = module  # type: ignore[attr-defined]  # as the import will, once we are done
        self._plan.numpy()

    def _library(self, module: ModuleType) -> None:
        libraries.seed_library(module.__name__, self._plan.key.child("library"))

    def _torch(self, torch: ModuleType) -> None:
        if self.identity.seed is not None:
            self._plan.torch()
            self.unseeded.torch(torch)
            self.loaders.install(torch)
            self._undo.callback(self.loaders.uninstall)
        if self.identity.deterministic:
            from samebits.determinism.mode import deterministic

            deterministic(pinned=True)
        if self.identity.portable:
            from samebits.random import portable

            portable()  # from where the generator stands, which is seeded by now

    # -- children ----------------------------------------------------------------------------------
    def _starting(self, words: Any, environ: Any) -> None:
        """A command is about to be started: say so if it is a Python that will not be controlled."""
        try:
            argv = [os.fsdecode(word) for word in words] if isinstance(words, list | tuple) else []
            given = {os.fsdecode(name): os.fsdecode(value) for name, value in environ.items()}
            found = started(argv, given, shebang=False)
            why = None if found is None or helps_torch(argv) else obstacle(*found)
            if why is not None and (what := (os.path.basename(argv[0]), why)) not in self._told:
                self._told.add(what)
                shown = " ".join(redacted(argv)[:_WORDS])
                print(f"samebits: {shown!r} is started without control: {why}", file=sys.stderr)
        except (TypeError, ValueError, AttributeError, OSError):
            pass  # the program's own error comes from where it starts it

    def _seeds(self) -> int:
        """A digest of how the program seeded its generators, for its forked children."""
        torch = sys.modules.get("torch")
        generator = getattr(torch, "default_generator", None)
        seed = 0 if generator is None else int(generator.initial_seed()) % 2**64
        return Key(seed, ("seeds", self.unseeded.python_seeds, self.unseeded.numpy_seeds)).integer(64)

    def _forked(self, child: Identity) -> None:
        """In a forked child: streams of its own, instead of its parent's once more."""
        self.identity = self.unseeded.identity = self.loaders.identity = child
        self._reseed(child.root)

    def _reseed(self, root: int) -> None:
        """Another root for this process: what is loaded is seeded now, the rest when it is.

        No device's generator: a forked child cannot use the devices of its parent.
        """
        plan = self._plan = plan_seeds(root, rank=self.identity.rank)
        plan.python()
        if "numpy.random" in sys.modules:
            plan.numpy()
        if hasattr(sys.modules.get("torch"), "default_generator"):
            plan.torch(devices=False)
        libraries.seed_libraries(plan.key.child("library"))


def install(*, observing: bool, rewrite: bool = True) -> Control | None:
    """Control this process as the variable says that the parent process left; once."""
    global _installed
    text = os.environ.get(VARIABLE)
    if text is None or _installed is not None:
        return _installed
    identity = Identity.from_environment(text)
    identity.hand_down()
    _installed = Control(identity)
    _installed.install(observing=observing, rewrite=rewrite)
    announced.say()
    return _installed


def active() -> Any:
    """The control of this process, or None."""
    return _installed
