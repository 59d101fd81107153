"""Builds the native observer on first use and loads it.

The observer is one C++ file against torch's own headers, which every torch wheel carries, so it is
compiled once per (torch, Python, source) on the user's machine rather than shipped for every pair of
them.  Where there is no compiler, `record.fallback` does the same in Python, slower.

Building imports no torch: the parent process, which observes nothing, builds before the first run, for the
Python and the torch that the program runs with, which need not be its own.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Final

from samebits._runtime import native
from samebits._runtime.native import BuildError as BuildError
from samebits._runtime.native import Library, Unit
from samebits.observe import installation
from samebits.observe.installation import Installation
from samebits.usercode import native_half

NATIVE: Final = Path(__file__).parent / "native"
#: What it shares with what sees draws: how frames are read.
_FRAMES: Final = native_half.NATIVE / "frames.h"


def compiler() -> str | None:
    """The C++ compiler to use: ``$CXX``, else the first of c++, g++, clang++ on the path."""
    return native.CXX.compiler()


def in_python() -> bool:
    """Whether the observer in Python is asked for, by a variable."""
    return os.environ.get("SAMEBITS_OBSERVER") == "python"


def library(python: Installation) -> Library:
    """The observer, as it is built for a Python and its torch."""
    torch = Path(python.torch or "")
    return Library(
        name="observer",
        title="the native observer",
        language=native.CXX,
        sources=(*sorted(NATIVE.iterdir()), _FRAMES),
        units=(Unit(NATIVE / "observer.cpp"),),
        flags=(
            *("-std=c++20", "-O3", "-DNDEBUG", "-fPIC", "-w", "-fvisibility=hidden"),
            *(
                f"-I{torch / 'include'}",
                f"-I{torch / 'include/torch/csrc/api/include'}",
                f"-I{python.include}",
                f"-I{_FRAMES.parent}",
            ),
        ),
        # Of torch's libraries only those that every build has; what they need themselves is not linked.
        links=(
            *(f"-L{torch / 'lib'}", "-ltorch_python", "-ltorch_cpu", "-lc10"),
            *(("-undefined", "dynamic_lookup") if sys.platform == "darwin" else ()),
        ),
        # Builds of torch for CUDA and for the CPU alone may have one version, and lie at one path in turn.
        parts=(python.torch_version, python.torch_digest, python.torch, python.build, python.platform),
        suffix=python.suffix,
    )


def built_name(python: Installation) -> str:
    """The name of the file that the observer for this Python and its torch is kept in."""
    return library(python).file()


def is_built(python: Installation | None = None) -> bool:
    return native.find(built_name(python or installation.here())) is not None


def build(python: Installation | None = None, tick: Callable[[float], None] | None = None) -> Path:
    """Compile the observer if it is not there yet; about 20 seconds.  Safe to call from several processes.

    ``tick`` is called with the seconds so far, a few times a second.

    Raises:
        BuildError: there is no torch, no compiler or no folder to keep it in, or the compiler failed.
    """
    python = python or installation.here()
    observer = library(python)
    if (path := native.find(observer.file())) is not None:
        return path
    if compiler() is not None and python.torch is None:
        raise BuildError(f"torch is not installed for {python.executable}")
    return observer.build(tick)


def build_draws(python: Installation) -> Path:
    """Compile what sees draws at the generator, if it is not there yet; some seconds.

    Raises:
        BuildError: as of `build`.
    """
    library = native_half.library(python.include, python.suffix, python.build, python.platform)
    return native.find(library.file()) or library.build()


def load() -> ModuleType:
    """The observer, native where it can be had; torch must be imported.  One object a process."""
    if (loaded := sys.modules.get("samebits.record._observer")) is not None:
        return loaded
    module: ModuleType
    try:
        if in_python():
            raise BuildError("SAMEBITS_OBSERVER=python asks for the observer in Python")
        path = build()
        loader = importlib.machinery.ExtensionFileLoader("samebits.record._observer", str(path))
        spec = importlib.util.spec_from_loader(loader.name, loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
    except (BuildError, ImportError):
        from samebits.observe import fallback

        module = fallback.module()
    sys.modules["samebits.record._observer"] = module
    return module
