"""Which modules are trained: those with a parameter that an optimizer holds."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from samebits._runtime.patcher import Patcher


class Trained(Patcher):
    """Knows the parameters that optimizers hold, from `install` on."""

    def __init__(self) -> None:
        super().__init__()
        self._held: dict[int, Any] = {}  # by address; kept, so that no other has it

    def install(self, torch: ModuleType) -> None:
        self._around(torch.optim.Optimizer, "add_param_group", self._added)

    def _added(self, original: Any, optimizer: Any, group: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(optimizer, group, *args, **kwargs)
        for each in optimizer.param_groups:
            self._held.update((id(parameter), parameter) for parameter in each["params"])
        return result

    def has(self, module: Any) -> bool:
        return any(id(parameter) in self._held for parameter in module.parameters())
