"""Where natively compiled parts are kept, and who compiles them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path


def cache_folder() -> Path:
    """``$SAMEBITS_CACHE``, else the user's cache folder."""
    if root := os.environ.get("SAMEBITS_CACHE"):
        return Path(root)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "samebits"


def compiler(variable: str, names: Sequence[str]) -> str | None:
    """The compiler that the variable names, else the first of `names` on the path."""
    asked = os.environ.get(variable)
    return next((found for name in ([asked] if asked else names) if (found := shutil.which(name))), None)
