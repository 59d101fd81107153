"""Operations: a deterministic implementation for every one that PyTorch lacks one for.

Each family has a file of plain torch, which is the definition and runs on every device,
and beside it in `_triton/` a file of the same name for CUDA.  The file declares which
operations it replaces (`REPLACES`) and how they are reached (`CASES`); the table of all
is in `samebits.model.operators`.  Nothing here is installed by itself: that is the mode's work.
"""

from __future__ import annotations

from samebits.model.operators import OPERATIONS as OPERATIONS
from samebits.model.operators import Operation as Operation

__all__ = ["OPERATIONS", "Operation"]
