"""Compiles the C core: when samebits is installed, or on first use where no compiler was there then.

The core is plain C that knows neither Python nor torch, so one build serves every
version of both.  The same source is compiled once for each set of instructions of the
machine's kind (a tier); which of them runs is chosen where it runs.  Imports no torch:
the installation has none yet.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import Final

from samebits._runtime import native
from samebits._runtime.native import BuildError as BuildError
from samebits._runtime.native import Library, Unit
from samebits._runtime.warn import warn

NATIVE: Final = Path(__file__).parent / "native"
SUFFIX: Final = ".dylib" if sys.platform == "darwin" else ".so"

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


def library() -> Library:
    """The core, as it is built on this machine."""
    tiers = TIERS.get(platform.machine().lower(), {})
    tier = NATIVE / "tier.c"
    return Library(
        name="random",
        title="the core of samebits.random",
        language=native.C,
        sources=tuple(sorted(NATIVE.glob("*.[ch]"))),
        units=(
            Unit(tier, ("-DSB_TIER=plain", "-DSB_PLAIN")),
            *(  # a compiler may be older than the instructions
                Unit(tier, (f"-DSB_TIER={name}", *flags), optional=True, then=(f"-DSB_HAS_{name.upper()}",))
                for name, flags in tiers.items()
            ),
            *(Unit(source) for source in sorted(NATIVE.glob("*.c")) if source != tier),
        ),
        flags=FLAGS,
        links=("-lpthread", "-lm"),
        parts=(FLAGS, TIERS, platform.machine(), sys.platform),
        suffix=SUFFIX,
    )


def digest() -> str:
    """What the built file depends on: the sources, the flags, the kind of machine."""
    return library().digest()


def installed_path() -> Path:
    """Where the installation puts the built core: in the package."""
    return Path(__file__).parent / f"_core-{digest()}{SUFFIX}"


def found() -> list[Path]:
    """Where the core is already, the installation's first."""
    installed, cached = installed_path(), native.find(library().file())
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
    core = library()
    path = core.build()
    if (why := native.refused(core.file())) is not None:
        warn(why, UserWarning)
    return path


def build(path: Path) -> None:
    """Compile the core to `path`.

    Raises:
        BuildError: there is no compiler, or it failed.
    """
    library().build_at(path)
