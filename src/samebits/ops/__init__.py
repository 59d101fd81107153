"""Operations: a deterministic implementation for every one that PyTorch lacks one for.

The table (`table.py`) names them; each family has a file of plain torch, which is
the definition and runs on every device, and beside it in `_triton/` a file of the
same name for CUDA.  Nothing here is installed by itself: that is the mode's work.
"""

from __future__ import annotations

from samebits.ops.table import OPERATIONS as OPERATIONS
from samebits.ops.table import Operation as Operation

__all__ = ["OPERATIONS", "Operation"]
