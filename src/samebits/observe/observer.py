"""Builds the native observer on first use and loads it.

The observer is one C++ file against torch's own headers, which every torch wheel carries, so it is
compiled once per (torch, Python, source) on the user's machine rather than shipped for every pair of
them.  Where there is no compiler, `record.fallback` does the same in Python, slower.

Building imports no torch: the parent process, which observes nothing, builds before the first run, for the
Python and the torch that the program runs with, which need not be its own.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Final

from samebits._runtime import native
from samebits.errors import SamebitsError
from samebits.observe import installation
from samebits.observe.installation import Installation

NATIVE: Final = Path(__file__).parent / "native"
_PATIENCE: Final = 600


class BuildError(SamebitsError):
    """The native observer could not be built; says why, in the compiler's words where it spoke."""


def compiler() -> str | None:
    """The C++ compiler to use: ``$CXX``, else the first of c++, g++, clang++ on the path."""
    return native.compiler("CXX", ("c++", "g++", "clang++"))


def in_python() -> bool:
    """Whether the observer in Python is asked for, by a variable."""
    return os.environ.get("SAMEBITS_OBSERVER") == "python"


def built_name(python: Installation) -> str:
    """The name of the file that the observer for this Python and its torch is kept in."""
    h = hashlib.sha256()
    for source in sorted(NATIVE.iterdir()):
        h.update(source.read_bytes())
    # A build of torch for CUDA and one for the CPU alone may have one version, and lie at one path in turn.
    parts = (python.torch_version, python.torch_digest, python.torch, python.build, python.platform)
    for part in parts:
        h.update(b"\0" + str(part).encode())
    return f"observer-{h.hexdigest()[:20]}{python.suffix}"


def is_built(python: Installation | None = None) -> bool:
    return native.find(built_name(python or installation.here())) is not None


def build(python: Installation | None = None, tick: Callable[[float], None] | None = None) -> Path:
    """Compile the observer if it is not there yet; about 20 seconds.  Safe to call from several processes.

    ``tick`` is called with the seconds so far, a few times a second.

    Raises:
        BuildError: there is no torch, no compiler or no folder to keep it in, or the compiler failed.
    """
    python = python or installation.here()
    name = built_name(python)
    if (path := native.find(name)) is not None:
        return path
    cxx = compiler()
    if cxx is None:
        raise BuildError("no C++ compiler (c++, g++ or clang++) is on the path")
    if python.torch is None:
        raise BuildError(f"torch is not installed for {python.executable}")
    torch = Path(python.torch)
    mac = sys.platform == "darwin"

    def make(scratch: Path) -> Path:
        made = scratch / name
        # Of torch's libraries only those that every build has; what they need themselves is not linked.
        command = [
            cxx, "-std=c++20", "-O3", "-DNDEBUG", "-fPIC", "-shared", "-w", "-fvisibility=hidden",
            f"-I{torch / 'include'}", f"-I{torch / 'include/torch/csrc/api/include'}", f"-I{python.include}",
            str(NATIVE / "observer.cpp"), "-o", str(made),
            f"-L{torch / 'lib'}", "-ltorch_python", "-ltorch_cpu", "-lc10",
            *(["-undefined", "dynamic_lookup"] if mac else []),
        ]  # fmt: skip
        _compile(command, scratch, tick)
        return made

    try:
        return native.build(name, make)
    except (OSError, native.NoFolder) as e:
        raise BuildError(f"the native observer could not be built: {e}") from e


def _compile(command: list[str], scratch: Path, tick: Callable[[float], None] | None) -> None:
    code, said = native.compiled(command, scratch, patience=_PATIENCE, tick=tick)
    if code is None:
        raise BuildError(f"{command[0]} took more than {_PATIENCE} s")
    if code:
        lines = [line for line in said.splitlines() if "error" in line] or said.splitlines()
        raise BuildError(f"{command[0]} failed: {lines[0] if lines else f'exit code {code}'}")


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
