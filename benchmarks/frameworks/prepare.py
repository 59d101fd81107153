"""Lets torchvision be imported beside a CPU build of torch, in the environment this file is run by.

The wheel of torchvision on PyPI is compiled against CUDA's libraries. Beside a CPU build of torch its
compiled part is not loaded, and its Python part then looks for two operations that nothing has defined.
They are declared in the installed package, without a kernel: nothing of the benchmark computes them.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

DECLARED = """
if not _has_ops():  # benchmarks/frameworks/prepare.py
    _declared = torch.library.Library("torchvision", "DEF")
    for _name in ("nms", "qnms"):
        _declared.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""


def main() -> None:
    found = importlib.util.find_spec("torchvision")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("torchvision is not installed")
    path = Path(found.submodule_search_locations[0]) / "extension.py"
    text = path.read_text()
    if DECLARED not in text:
        path.write_text(text + DECLARED)


if __name__ == "__main__":
    main()
