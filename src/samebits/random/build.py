"""Compiles the C core: when samebits is installed, or on first use where no compiler was there then.

The core is plain C that knows neither Python nor torch, so one build serves every
version of both.  The same source is compiled once for each set of instructions of the
machine's kind (a tier); which of them runs is chosen where it runs.  Imports no torch:
the installation has none yet.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Final

from samebits._runtime import native
from samebits.errors import SamebitsError

NATIVE: Final = Path(__file__).parent / "native"
SUFFIX: Final = ".dylib" if sys.platform == "darwin" else ".so"

_PATIENCE: Final = 600

#: -ffp-contract=off: a product and a sum that are rounded once are another number.
FLAGS: Final = (
    *("-std=gnu11", "-O3", "-DNDEBUG", "-fPIC", "-w"),
    *("-ffp-contract=off", "-fno-math-errno"),
)

_X86: Final = {
    "avx2": ("-mavx2",),
    "avx512": (*("-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mprefer-vector-width=512"),),
}
#: Machine -> its tiers, besides the plain one, and what the compiler is told for each.
TIERS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "x86_64": _X86,
    "amd64": _X86,
    "aarch64": {"neon": ()},
    "arm64": {"neon": ()},
}


class BuildError(SamebitsError):
    """The core could not be built; says why, in the compiler's words where it spoke."""


def digest() -> str:
    """What the built file depends on: the sources, the flags, the kind of machine."""
    h = hashlib.sha256(repr((FLAGS, TIERS, platform.machine(), sys.platform)).encode())
    for source in sorted(NATIVE.glob("*.[ch]")):
        h.update(source.name.encode() + b"\0" + source.read_bytes())
    return h.hexdigest()[:20]


def installed_path() -> Path:
    """Where the installation puts the built core: in the package."""
    return Path(__file__).parent / f"_core-{digest()}{SUFFIX}"


def cached_name() -> str:
    """The name of a later build, in the folder for compiled code."""
    return f"random-{digest()}{SUFFIX}"


def found() -> list[Path]:
    """Where the core is already, the installation's first."""
    installed, cached = installed_path(), native.find(cached_name())
    return [*([installed] if installed.exists() else []), *([cached] if cached is not None else [])]


def built() -> Path:
    """The core, compiled if it is not there yet.

    Raises:
        BuildError: there is no compiler, or it failed.
    """
    return next(iter(found()), None) or made()


def made() -> Path:
    """The core, compiled now (some seconds).  Safe to call from several processes.

    Raises:
        BuildError: there is no compiler, or it failed, or there is no folder to keep it in.
    """
    cc = _compiler()
    try:
        path = native.build(cached_name(), lambda scratch: _linked(cc, scratch))
    except (OSError, native.NoFolder) as e:
        raise BuildError(f"the core of samebits.random could not be built: {e}") from e
    if (why := native.refused(cached_name())) is not None:
        warnings.warn(why, stacklevel=2)
    return path


def build(path: Path) -> None:
    """Compile the core to `path`.

    Raises:
        BuildError: there is no compiler, or it failed.
    """
    cc = _compiler()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            os.replace(_linked(cc, Path(scratch)), path)
    except OSError as e:
        raise BuildError(f"the core of samebits.random could not be built in {path.parent}: {e}") from e


def _compiler() -> str:
    cc = native.compiler("CC", ("cc", "gcc", "clang"))
    if cc is None:
        raise BuildError("no C compiler (cc, gcc or clang) is on the path")
    return cc


def _linked(cc: str, scratch: Path) -> Path:
    objects, has = [], []
    _compile(cc, NATIVE / "tier.c", scratch / "plain.o", "-DSB_TIER=plain", "-DSB_PLAIN")
    objects.append(scratch / "plain.o")
    for tier, flags in TIERS.get(platform.machine().lower(), {}).items():
        try:
            _compile(cc, NATIVE / "tier.c", scratch / f"{tier}.o", f"-DSB_TIER={tier}", *flags)
        except BuildError:
            continue  # a compiler older than the instructions
        objects.append(scratch / f"{tier}.o")
        has.append(f"-DSB_HAS_{tier.upper()}")
    for source in sorted(NATIVE.glob("*.c")):
        if source.name != "tier.c":
            _compile(cc, source, scratch / f"{source.stem}.o", *has)
            objects.append(scratch / f"{source.stem}.o")
    made = scratch / f"core{SUFFIX}"
    _run(scratch, cc, "-shared", "-o", str(made), *map(str, objects), "-lpthread", "-lm")
    return made


def _compile(cc: str, source: Path, made: Path, *flags: str) -> None:
    _run(made.parent, cc, *FLAGS, *flags, "-c", str(source), "-o", str(made))


def _run(scratch: Path, *command: str) -> None:
    code, said = native.compiled(command, scratch, patience=_PATIENCE)
    if code is None:
        raise BuildError(f"{command[0]} took more than {_PATIENCE} s")
    if code:
        lines = [line for line in said.splitlines() if "error" in line] or said.splitlines()
        raise BuildError(f"{command[0]} failed: {lines[0] if lines else f'exit code {code}'}")
