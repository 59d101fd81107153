"""A process group is left once the threads of its backend have let go of what belongs to Python.

In a mode of torch's (`torch.overrides.TorchFunctionMode` and its like), every collective carries a
reference to the mode along.  A thread of gloo's drops that reference when the collective is done, for which
it needs the interpreter's lock; torch joins that thread, when the group ends, with the lock held
(``ProcessGroupGloo::~ProcessGroupGloo`` of torch 2.13).  Whoever ends a group right behind a barrier can
wait for good.  So before a group ends, the lock is given up for a moment.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from samebits._runtime import imports, patcher

_MOMENT: Final = 0.2  # seconds; a thread that waits for the lock gets it within 5 milliseconds
_NAME: Final = "destroy_process_group"


def install() -> Callable[[], None]:
    """Wait before groups end, until the function returned is called."""
    undo: list[Callable[[], None]] = []

    def loaded(module: ModuleType) -> None:
        leave = vars(module).get(_NAME)
        if leave is not None and not hasattr(leave, "__wrapped__"):
            undo.append(patcher.wrap(module, _NAME, _left))

    watches = [
        imports.after(name, loaded) for name in ("torch.distributed.distributed_c10d", "torch.distributed")
    ]

    def uninstall() -> None:
        for watch in watches:
            watch.cancel()
        for put_back in reversed(undo):
            put_back()

    return uninstall


def _left(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_initialized():
        time.sleep(_MOMENT)
    return original(*args, **kwargs)
