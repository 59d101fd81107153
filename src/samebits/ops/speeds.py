"""How fast each replacement is: a multiple of PyTorch's kernel, measured when this version was made."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def speeds() -> dict[str, dict[str, Any]]:
    """Schema -> device -> the median ratio over the benchmark's cases of the operation; and "measured on".

    `python -m benchmarks.ops --publish` writes it.
    """
    path = files("samebits.ops") / "speeds.json"
    return dict(json.loads(path.read_text())["operations"]) if path.is_file() else {}
