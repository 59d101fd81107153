"""Operations: a deterministic implementation for every one that PyTorch lacks one for.

Each family has a file of plain torch, which is the definition and runs on every device,
and beside it in `_triton/` a file of the same name for CUDA.  The file declares which
operations it replaces (`REPLACES`) and how they are reached (`CASES`); the table of all
is in `samebits.model.operators`.  Nothing here is installed by itself: that is the mode's work.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

from samebits.model.operators import OPERATIONS as OPERATIONS
from samebits.model.operators import Operation as Operation

__all__ = ["OPERATIONS", "Operation", "families"]


def families() -> Iterator[ModuleType]:
    """The files here that declare what they replace, imported, in the order of their names."""
    for found in pkgutil.iter_modules(__path__):
        module = import_module(f"{__name__}.{found.name}")
        if hasattr(module, "REPLACES"):
            yield module
