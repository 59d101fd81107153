"""Builds C beside the room's headers, for tests that hold it and plain torch together."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

NATIVE = Path(__file__).parents[2] / "src" / "samebits" / "random" / "native"

FLAGS = ("-O3", "-ffp-contract=off", "-std=c11", "-fPIC", "-shared", "-w")


def library(folder: Path, source: str, *options: str) -> ctypes.CDLL:
    """The C text, built with the room's options and those given; skips where there is no compiler."""
    compiler = shutil.which("cc") or pytest.skip("no C compiler")
    text, built = folder / "source.c", folder / "source.so"
    text.write_text(source)
    subprocess.run(
        [compiler, *FLAGS, *options, "-I", str(NATIVE), str(text), "-o", str(built), "-lm"], check=True
    )
    return ctypes.CDLL(str(built))
