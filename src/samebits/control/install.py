"""The control of one process: what `samebits run`, `verify --seed` and `record --seed` change in a program.

One place, so that what is verified is what is run.  Before the interpreter starts
`launch.program` sets the hash secret and cuBLAS's workspace.  In the process:

- each library's process-wide generators are seeded right after the library is
  loaded, to the same bits as one call of `seed_everything` would; none is loaded for it;
- what is made or seeded without a seed gets a derived one (`entropy`);
- seeds that user code takes from the clock, a pid or entropy are replaced (`seed_calls`);
- DataLoaders without a generator get one (`loaders`);
- results of workers come in the order in which they were asked for (`result_order`);
- processes that this one starts are controlled too, each with its own streams (`process_key`);
- every operation is made deterministic (`determinism`);
- torch draws the same numbers on every device (`random`);
- one thing is changed that should not matter, or should (`changes`).

Of these, some parts alone, where only they are asked for (`settings.PARTS`).

A generator or a seed that the program sets by itself stays as it sets it; torch's deterministic
flag and cuDNN's autotuning do not move.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

from samebits._runtime.patcher import Patcher
from samebits.control import changes, process_groups, seed_calls, unfilled
from samebits.control.entropy import EntropySource
from samebits.control.loaders import Loaders
from samebits.control.process_key import VARIABLE, Children, ProcessKey, Starting
from samebits.control.program_seeds import ProgramSeeds
from samebits.control.result_order import ResultOrder
from samebits.control.worker_streams import WorkerStreams
from samebits.data import workers
from samebits.seeding import libraries
from samebits.seeding.derive import Key
from samebits.seeding.everything import SeedPlan, plan_seeds

_installed: InstalledControl | None = None


class InstalledControl(Patcher):
    """Controls this process, until `uninstall`; generators and torch's flags stay as they are then."""

    def __init__(self, process_key: ProcessKey) -> None:
        super().__init__()
        self.process_key = process_key
        self.control = process_key.control
        if self.control.seed is not None:
            self._plan: SeedPlan = plan_seeds(process_key.root, rank=process_key.rank)
            first = not process_key.path and not process_key.rank
            self.seeds = ProgramSeeds(tells=first)
            self.entropy = EntropySource(process_key, self.seeds)
            self.loaders = Loaders(process_key, self.seeds, self._reseed)
            self._worker_streams = WorkerStreams(process_key)
            self._result_order = ResultOrder()

    def install(self, *, rewrite: bool = True, starting: Starting = lambda words, environ: None) -> None:
        """`rewrite`: seeds in user code are looked at.

        `starting` is called with the words and the variables of each command before it is started.
        """
        if self.control.changes:
            self._undo.callback(changes.install(self.control.changes))
        if self.control.seed is not None:
            if self.control.has("python"):
                self._plan.python()
            self.entropy.install()
            self._undo.callback(self.entropy.uninstall)
            if self.control.has("numpy"):
                self._after("numpy.random", self._numpy)
            for name in libraries.known_libraries() if self.control.has("libraries") else ():
                self._after(name, self._library)
            if self.control.has("results"):
                self._result_order.install()
                self._undo.callback(self._result_order.uninstall)
            children = Children(self.process_key, seeds=self._seeds, forked=self._forked, starting=starting)
            children.install()
            self._undo.callback(children.uninstall)
            if rewrite and self.control.has("clock-seeds"):
                self._undo.callback(seed_calls.install(self.entropy, self.seeds))
        if self.control.deterministic or self.control.portable:
            self._undo.callback(process_groups.install())
        if self.control.has("memory"):
            self._unfilled = unfilled.Unfilled()
            if rewrite:
                self._undo.callback(unfilled.rewrite())
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
        if self.control.seed is not None:
            if self.control.has("torch"):
                self._plan.torch()
            self.entropy.torch(torch)
            self.seeds.install(torch)
            self._undo.callback(self.seeds.uninstall)
            if self.control.has("loaders"):
                self.loaders.install(torch)
                self._undo.callback(self.loaders.uninstall)
            if self.control.has("workers"):
                self._worker_streams.install(torch)
                self._undo.callback(self._worker_streams.uninstall)
        if self.control.has("memory"):
            self._unfilled.install(torch)
            self._undo.callback(self._unfilled.uninstall)
        if self.control.deterministic:
            from samebits.determinism.mode import deterministic

            deterministic(pinned=True, except_=self.control.except_operations)
        if self.control.portable:
            from samebits.arithmetic.mode import portable

            # The function's numbers.  Without a seed: from where the generator stands.
            seeded = self.control.seed is not None
            portable(self.process_key.root, rank=self.process_key.rank) if seeded else portable()
            if seeded:
                self.seeds.ours()

    # -- children ----------------------------------------------------------------------------------
    def _seeds(self) -> int:
        """A digest of how the program seeded its generators, for its forked children."""
        torch = sys.modules.get("torch")
        generator = getattr(torch, "default_generator", None)
        seed = 0 if generator is None else int(generator.initial_seed()) % 2**64
        return Key(seed, ("seeds", self.entropy.python_seeds, self.entropy.numpy_seeds)).integer(64)

    def _forked(self, child: ProcessKey) -> None:
        """In a forked child: streams of its own, instead of its parent's once more."""
        self.process_key = self.entropy.process_key = self.loaders.process_key = child
        self.seeds.tells = False
        self._reseed(child.root)

    def _reseed(self, root: int) -> None:
        """Another root for this process: what is loaded is seeded now, the rest when it is.

        No device's generator: a forked child cannot use the devices of its parent.
        """
        plan = self._plan = plan_seeds(root, rank=self.process_key.rank)
        with self.seeds.derived():
            if self.control.only is not None:
                self._reseed_parts()
                return
            workers.seed_process(plan, libraries=plan.key.child("library"), devices=False, loaded=True)

    def _reseed_parts(self) -> None:
        if self.control.has("python"):
            self._plan.python()
        if self.control.has("numpy") and "numpy.random" in sys.modules:
            self._plan.numpy()
        if self.control.has("torch") and "torch" in sys.modules:
            self._plan.torch(devices=False)
        if self.control.has("libraries"):
            libraries.seed_libraries(self._plan.key.child("library"))


def install(
    *, rewrite: bool = True, starting: Starting = lambda words, environ: None
) -> InstalledControl | None:
    """Control this process as the variable says that the parent process left; once."""
    global _installed
    text = os.environ.get(VARIABLE)
    if text is None or _installed is not None:
        return _installed
    process_key = ProcessKey.from_environment(text)
    process_key.hand_down()
    _installed = InstalledControl(process_key)
    _installed.install(rewrite=rewrite, starting=starting)
    return _installed


def active() -> Any:
    """The control of this process, or None."""
    return _installed
