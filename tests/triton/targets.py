"""Compiles launches for GPUs that need not be there: `compiled` in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

PROGRAM = Path(__file__).with_name("compiled.py")


def kernels(package: ModuleType) -> set[tuple[str, str]]:
    """Module and name of a package's functions that triton compiles and no other of them calls."""
    files = sorted(Path(package.__path__[0]).glob("[a-z]*.py"))
    found = set()
    for file in files:
        text = file.read_text(encoding="utf-8")
        for name in re.findall(r"^@triton\.jit.*\ndef (\w+)", text, re.MULTILINE):
            if not any(re.search(rf"(?<!def )\b{name}\(", other.read_text("utf-8")) for other in files):
                found.add((f"{package.__name__}.{file.stem}", name))
    return found


def compile_for(target: Sequence[str], launches: Iterable[str], folder: Path) -> list[str]:
    """A line for each compiled kernel; the target are `compiled`'s arguments."""
    (folder / "launches").write_text("\n".join(launches))
    environment = {**os.environ, "DISABLE_PTXAS_OPT": "1", "TRITON_CACHE_DIR": str(folder)}
    del environment["TRITON_INTERPRET"]
    with (folder / "launches").open() as source:
        done = subprocess.run(
            [sys.executable, str(PROGRAM), *target],
            stdin=source,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            check=True,
        )
    return done.stdout.splitlines()


def faults(compiled: Iterable[str]) -> dict[tuple[str, str, str], tuple[object, object]]:
    """What is wrong with which kernel, and with what it was compiled."""
    found: dict[tuple[str, str, str], tuple[object, object]] = {}
    for line in compiled:
        module, name, arguments, options, wrong = json.loads(line)
        for fault in wrong:
            found.setdefault((module, name, fault), (arguments, options))
    return found
