"""C kernels that are compiled once for each set of instructions of the machine's kind (a tier).

Which tier runs is chosen where it runs.  The kernels are plain C that knows neither Python nor torch, so one
build serves every version of both.  They are compiled when samebits is installed, or on first use where no
compiler was there then.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from samebits._runtime import native
from samebits._runtime.native import Library, Unit
from samebits._runtime.warn import warn
from samebits.errors import UsageError

SUFFIX: Final = ".dylib" if sys.platform == "darwin" else ".so"
#: All tiers that there are, on one machine or another.
TIERS: Final = ("plain", "neon", "avx2", "avx512")

#: -ffp-contract=off: a product and a sum that are rounded once are another number.
FLAGS: Final = (
    *("-std=gnu11", "-O3", "-DNDEBUG", "-fPIC", "-w"),
    *(
        "-ffp-contract=off",
        "-fno-math-errno",
        "-fno-trapping-math",
    ),  # traps that nobody sets keep loops from vectors
)
AVX512: Final = ("-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mprefer-vector-width=512")


@dataclass(frozen=True, slots=True)
class Kernels:
    """The kernels of one package.

    Args:
        name: of the package, with which the built file's name in the cache begins.
        title: what an error calls them.
        folder: of the sources; `tier.c` is compiled for each tier, the others once.
        avx2: what the compiler is told for that tier.
        avx512: the same.
        others: headers of other packages that the sources include.
    """

    name: str
    title: str
    folder: Path
    avx2: tuple[str, ...]
    avx512: tuple[str, ...]
    others: tuple[Path, ...] = ()

    def library(self) -> Library:
        """As it is built on this machine."""
        tiers = self._tiers()
        tier = self.folder / "tier.c"
        return Library(
            name=self.name,
            title=self.title,
            language=native.C,
            sources=(*sorted(self.folder.glob("*.[ch]")), *self.others),
            units=(
                Unit(tier, _flags("plain")),
                *(  # a compiler may be older than the instructions
                    Unit(tier, (*_flags(name), *flags), optional=True, then=(f"-DSB_HAS_{name.upper()}",))
                    for name, flags in tiers.items()
                ),
                *(Unit(source) for source in sorted(self.folder.glob("*.c")) if source != tier),
            ),
            flags=FLAGS,
            links=("-lpthread", "-lm"),
            parts=(FLAGS, tiers, platform.machine(), sys.platform),
            suffix=SUFFIX,
        )

    def _tiers(self) -> Mapping[str, tuple[str, ...]]:
        """Of the machine's kind, besides the plain one, and what the compiler is told for each."""
        machine = platform.machine().lower()
        if machine in ("x86_64", "amd64"):
            return {"avx2": self.avx2, "avx512": self.avx512}
        return {"neon": ()} if machine in ("aarch64", "arm64") else {}

    def digest(self) -> str:
        """What the built file depends on: the sources, the flags, the kind of machine."""
        return self.library().digest()

    def installed_path(self) -> Path:
        """Where the installation puts the built file: in the package."""
        return self.folder.parent / f"_core-{self.digest()}{SUFFIX}"

    def found(self) -> list[Path]:
        """Where it is already, the installation's first."""
        installed, cached = self.installed_path(), native.find(self.library().file())
        return [*([installed] if installed.exists() else []), *([cached] if cached is not None else [])]

    def built(self) -> Path:
        """It, compiled if it is not there yet.

        Raises:
            BuildError: there is no compiler, or it failed.
        """
        return next(iter(self.found()), None) or self.made()

    def made(self) -> Path:
        """It, compiled now (some seconds).  Safe to call from several processes.

        Raises:
            BuildError: there is no compiler, or it failed, or there is no folder to keep it in.
        """
        library = self.library()
        path = library.build()
        if (why := native.refused(library.file())) is not None:
            warn(why, UserWarning)
        return path

    def build(self, path: Path) -> None:
        """Compile it to `path`.

        Raises:
            BuildError: there is no compiler, or it failed.
        """
        self.library().build_at(path)


def _flags(tier: str) -> tuple[str, ...]:
    return (f"-DSB_TIER={tier}", f"-DSB_TIER_IS_{tier.upper()}")


class Chosen:
    """A loaded file of kernels, and the tier in use.

    Attributes:
        functions: the file's.
        tier: its name.
    """

    def __init__(self, path: str, tier: str | None, variable: str, besides: tuple[str, ...] = ()) -> None:
        """`variable` names the tier in the environment; `besides` are other things it may name."""
        self._variable, self._besides = variable, besides
        self.functions: Any = ctypes.CDLL(path)
        self.functions.sb_use.restype = ctypes.c_char_p
        self.tier = self.use(tier)

    def use(self, tier: str | None) -> str:
        """Use a tier, or the fastest.

        Raises:
            UsageError: this machine has not that tier.
        """
        name = self._use(tier)
        if name is None:
            has = [one for one in TIERS if self._use(one)]
            self._use(getattr(self, "tier", None))
            raise UsageError(
                f"{self._variable}={tier}: this machine has the tiers {', '.join((*self._besides, *has))}"
            )
        self.tier = name
        return name

    def _use(self, tier: str | None) -> str | None:
        name: bytes | None = self.functions.sb_use(None if tier is None else tier.encode())
        return None if name is None else name.decode()

    def tiers(self) -> list[str]:
        """The tiers that this machine has."""
        chosen, found = self.tier, []
        for name in TIERS:
            try:
                found.append(self.use(name))
            except UsageError:
                pass
        self.use(chosen)
        return found
