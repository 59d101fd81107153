"""Integrations: random states in the checkpoints of training frameworks, one file a framework.

    from samebits.integrations.lightning import RngState
    trainer = Trainer(callbacks=[RngState(model=model)])

    from samebits.integrations.accelerate import RngState
    accelerator.register_for_checkpointing(RngState(model=model))

Each file offers one class, `RngState`, which keeps the protocol `Checkpointed`.  The files of this package
whose name has no leading underscore are the integrations; importing the package loads none of them, and no
framework.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

from samebits.integrations._protocol import Checkpointed as Checkpointed

if TYPE_CHECKING:
    from samebits.integrations import accelerate as accelerate
    from samebits.integrations import lightning as lightning


def available() -> list[str]:
    """The frameworks there is an integration for, installed or not."""
    return sorted(found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_"))


__all__ = ["Checkpointed", "available"]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in available():
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return import_module(f"{__name__}.{name}")  # which sets the attribute


def __dir__() -> list[str]:
    return sorted({*__all__, *available()})
