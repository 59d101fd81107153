"""Builds the native observer on first use and loads it.

The observer is one C++ file against torch's own headers, which every torch wheel carries, so it is
compiled once per (torch, Python, source) on the user's machine rather than shipped for every pair of
them.  Where there is no compiler, `record.fallback` does the same in Python, slower.

Building imports no torch: the parent process, which observes nothing, builds before the first run.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Final

from samebits import _native
from samebits.errors import SamebitsError

NATIVE: Final = Path(__file__).parent / "native"


class BuildError(SamebitsError):
    """The native observer could not be built; says why, in the compiler's words where it spoke."""


def compiler() -> str | None:
    """The C++ compiler to use: ``$CXX``, else the first of c++, g++, clang++ on the path."""
    return _native.compiler("CXX", ("c++", "g++", "clang++"))


def torch_folder() -> Path:
    """Where torch is installed, found without importing it."""
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        raise BuildError("torch is not installed in this Python; install it with: pip install torch")
    return Path(spec.origin).parent


def library_path() -> Path:
    """Where the built observer is kept: ``$SAMEBITS_CACHE``, else the user's cache folder."""
    h = hashlib.sha256()
    for source in sorted(NATIVE.iterdir()):
        h.update(source.read_bytes())
    for part in (
        importlib.metadata.version("torch"),
        str(torch_folder()),
        sys.version,
        sysconfig.get_platform(),
    ):
        h.update(b"\0" + part.encode())
    suffix = sysconfig.get_config_var("EXT_SUFFIX") or ".so"
    return _native.cache_folder() / f"observer-{h.hexdigest()[:20]}{suffix}"


def is_built() -> bool:
    return library_path().exists()


def build() -> Path:
    """Compile the observer if it is not there yet; about 20 seconds.  Safe to call from several processes."""
    path = library_path()
    if path.exists():
        return path
    cxx = compiler()
    if cxx is None:
        raise BuildError("no C++ compiler (c++, g++ or clang++) is on the path")
    torch = torch_folder()
    mac = sys.platform == "darwin"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            made = Path(scratch) / path.name
            command = [
                cxx, "-std=c++20", "-O3", "-DNDEBUG", "-fPIC", "-shared", "-w", "-fvisibility=hidden",
                f"-I{torch / 'include'}", f"-I{torch / 'include/torch/csrc/api/include'}",
                f"-I{sysconfig.get_paths()['include']}",
                str(NATIVE / "observer.cpp"), "-o", str(made),
                f"-L{torch / 'lib'}", "-ltorch_python", "-ltorch_cpu", "-lc10",
                *(["-undefined", "dynamic_lookup"] if mac else []),
            ]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, timeout=600)
            if done.returncode:
                lines = [
                    line for line in done.stderr.splitlines() if "error" in line
                ] or done.stderr.splitlines()
                raise BuildError(f"{cxx} failed: {lines[0] if lines else f'exit code {done.returncode}'}")
            os.replace(made, path)  # another process may have been quicker: the same bytes either way
    except (OSError, subprocess.TimeoutExpired) as e:
        raise BuildError(f"the native observer could not be built in {path.parent}: {e}") from e
    return path


def load() -> ModuleType:
    """The observer, native where it can be had; torch must be imported.  One object a process."""
    if (loaded := sys.modules.get("samebits.record._observer")) is not None:
        return loaded
    module: ModuleType
    try:
        if os.environ.get("SAMEBITS_OBSERVER") == "python":
            raise BuildError("SAMEBITS_OBSERVER=python asks for the observer in Python")
        path = build()
        loader = importlib.machinery.ExtensionFileLoader("samebits.record._observer", str(path))
        spec = importlib.util.spec_from_loader(loader.name, loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
    except (BuildError, ImportError):
        from samebits.record import fallback

        module = fallback.module()
    sys.modules["samebits.record._observer"] = module
    return module
