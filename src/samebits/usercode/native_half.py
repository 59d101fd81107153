"""The native half of what sees draws: how it is built for one Python, and loaded."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from pathlib import Path
from typing import Any, Final

from samebits._runtime import native
from samebits._runtime.native import Library, Unit

#: The folder of its sources.
NATIVE: Final = Path(__file__).parent / "native"


def library(include: str, suffix: str, *parts: object) -> Library:
    """The native half, as it is built for one Python."""
    return Library(
        name="draws",
        title="what sees draws at the generator",
        language=native.CXX,
        sources=(NATIVE / "draws.cpp", NATIVE / "frames.h"),
        units=(Unit(NATIVE / "draws.cpp"),),
        flags=("-std=c++20", "-O2", "-DNDEBUG", "-fPIC", "-w", "-fvisibility=hidden", f"-I{include}"),
        links=("-undefined", "dynamic_lookup") if sys.platform == "darwin" else (),
        parts=parts,
        suffix=suffix,
    )


def load(path: str) -> Any:
    """The native half at a path; None where it is another Python's, or may not be loaded."""
    if not path.endswith(importlib.machinery.EXTENSION_SUFFIXES[0]) or native.fault(Path(path)) is not None:
        return None
    loader = importlib.machinery.ExtensionFileLoader("_draws", path)
    spec = importlib.util.spec_from_loader(loader.name, loader)
    try:
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
    except ImportError:
        return None
    return module
