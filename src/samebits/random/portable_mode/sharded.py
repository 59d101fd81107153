"""DTensors: their draws are refused inside the portable mode.

torch draws a shard by moving a GPU's own generator, and puts all generators back afterwards,
the CPU's with our stream too: every draw would then give the same numbers, in silence.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, NoReturn

from samebits._runtime.patcher import Patcher
from samebits.errors import DeterminismError


class Sharded(Patcher):
    """Refused from `install` until `uninstall`."""

    def install(self) -> None:
        self._after("torch.distributed.tensor._random", self._tracker)
        self._after("torch.distributed.tensor._dispatch", self._dispatch)

    def _tracker(self, module: ModuleType) -> None:
        self._replace(module.OffsetBasedRNGTracker, "_distribute_region", _refuse)

    def _dispatch(self, module: ModuleType) -> None:
        if hasattr(module, "run_dtensor_rng_op"):  # newer ones have it
            self._replace(module, "run_dtensor_rng_op", _refuse)


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise DeterminismError(
        "samebits.random.portable has no numbers for a DTensor's draw. Fill it by a key, which gives each "
        "process its part of the whole: samebits.random.normal(key, out=dtensor), and so on."
    )
