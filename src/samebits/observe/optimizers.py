"""Optimizers that are no subclass of torch's, by the classes whose `step` is an optimizer's step.

torch tells of the steps of its own class and its subclasses alone.  A class is listed here if it changes
the parameters itself: one that calls a torch optimizer is seen by that.  Its objects have `param_groups`
as torch's do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, Final

from samebits._runtime.patcher import Patcher

#: (module, class)
CLASSES: Final = (("fastai.optimizer", "Optimizer"),)


class OtherOptimizers(Patcher):
    """``before`` and ``after`` are called around each step, as torch's own hooks are."""

    def __init__(
        self, before: Callable[[Any, Any, Any], None], after: Callable[[Any, Any, Any], None]
    ) -> None:
        super().__init__()
        self._before, self._behind = before, after

    def install(self) -> None:
        for module, kind in CLASSES:
            self._after(module, partial(self._hook, kind))

    def _hook(self, kind: str, module: ModuleType) -> None:
        self._around(getattr(module, kind), "step", self._step)

    def _step(self, original: Callable[..., Any], optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        self._before(optimizer, args, kwargs)
        value = original(optimizer, *args, **kwargs)
        self._behind(optimizer, args, kwargs)
        return value
