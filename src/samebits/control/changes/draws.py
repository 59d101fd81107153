"""Numbers drawn that the program does not ask for: one after the first step, or weights that nothing uses.

Either is right: a program whose generators are shared by everything moves, one with a generator for each
purpose does not.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from samebits._runtime.aside import aside
from samebits._runtime.patcher import Patcher
from samebits.control import told
from samebits.control.change import Change

_WHY: Final = (
    "one generator serves everything, so each new draw moves all that come after it: give initial weights, "
    "order and augmentation generators of their own (samebits.Streams)."
)


class ExtraDraw(Patcher):
    """After the first step of an optimizer, one number from each process-wide generator."""

    def install(self) -> Callable[[], None]:
        self._after("torch", self._torch)
        return self.uninstall

    def _torch(self, torch: Any) -> None:
        from torch.optim.optimizer import register_optimizer_step_post_hook

        first = True

        def drawn(optimizer: Any, args: Any, kwargs: Any) -> None:
            nonlocal first
            if not (first and self._alive):
                return
            first = False  # the hook stays: torch is going through its hooks just now
            with aside():
                torch.rand(())
                random.random()
                if (numpy := sys.modules.get("numpy.random")) is not None:
                    numpy.random()
            told.tell("extra-draw", "drawn after the first step")

        hook = register_optimizer_step_post_hook(drawn)
        self._undo.callback(hook.remove)


class UnusedLayer(Patcher):
    """As the first module is made, a Linear that nothing uses: its initial weights are drawn."""

    def install(self) -> Callable[[], None]:
        self._after("torch.nn", self._torch)
        return self.uninstall

    def _torch(self, nn: ModuleType) -> None:
        first = True

        def made(original: Any, module: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal first
            if first and self._alive:
                first = False
                with aside():
                    nn.Linear(8, 8)
                told.tell("unused-layer", "a Linear(8, 8) made before it")
            return original(module, *args, **kwargs)

        self._around(nn.Module, "__init__", made)


CHANGES = (
    Change(
        name="extra-draw",
        what="one more number drawn after the first step",
        should="may",
        why=_WHY,
        install=lambda: ExtraDraw().install(),
        tells=True,
    ),
    Change(
        name="unused-layer",
        what="a layer more that nothing uses",
        should="may",
        why=_WHY,
        install=lambda: UnusedLayer().install(),
        tells=True,
    ),
)
