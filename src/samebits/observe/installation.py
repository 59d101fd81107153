"""One Python with the torch that it finds: this process's own, or another that a program runs in.

samebits may live in an environment of its own, without torch.  The observer is compiled for the
Python that is observed, so that one is asked what it is; it is started once for that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from samebits._runtime import mirrored
from samebits.errors import LaunchError
from samebits.observe import describe

PYTHON: Final = (3, 11)
TORCH: Final = (2, 11)
_PATIENCE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Installation:
    """What a Python says of itself (`observe/describe.py`)."""

    executable: str
    version: tuple[int, int]
    build: str  # sys.version
    implementation: str
    platform: str
    include: str
    suffix: str  # of extension modules
    torch: str | None  # the package's folder
    torch_version: str | None
    torch_digest: str | None
    hashes: bool  # whether it finds xxhash

    @property
    def obstacle(self) -> str | None:
        """In a sentence, why samebits cannot work inside of it; None: it can."""
        if self.implementation != "CPython" or self.version < PYTHON:
            return (
                f"{self.executable} is {self.implementation} {_dotted(self.version)}; samebits works inside "
                f"of CPython {_dotted(PYTHON)} or newer: run the program with one"
            )
        numbers = (self.torch_version or "").split(".")[:2]
        if len(numbers) == 2 and all(n.isdigit() for n in numbers) and (*map(int, numbers),) < TORCH:
            return (
                f"{self.executable} has torch {self.torch_version}; samebits works with torch "
                f"{_dotted(TORCH)} or newer: {self.executable} -m pip install --upgrade torch"
            )
        if not self.hashes and self.suffix != here().suffix:
            return (
                f"{self.executable} is Python {_dotted(self.version)} without xxhash, and the one beside "
                f"samebits is built for {_dotted(here().version)}: {self.executable} -m pip install xxhash"
            )
        return None


@lru_cache(maxsize=1)
def here() -> Installation:
    """This process's own Python."""
    return _made(describe.describe())


@lru_cache(maxsize=16)
def of(executable: str) -> Installation:
    """The Python at a path, as it would run a program: with the variables of this process.

    Raises:
        LaunchError: it does not answer as a Python does.
    """
    if executable == sys.executable:
        return here()
    variables = {name: value for name, value in os.environ.items() if not name.startswith("SAMEBITS_")}
    try:
        done = subprocess.run(
            [executable, describe.__file__],
            capture_output=True,
            env=variables,
            timeout=_PATIENCE,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as e:
        why = "no answer" if isinstance(e, subprocess.TimeoutExpired) else e.strerror or str(e)
        raise LaunchError(f"{executable!r} could not be started: {why}; give the path of a Python") from e
    try:
        return _made(json.loads(done.stdout.decode(errors="replace").strip().rpartition("\n")[2]))
    except (ValueError, TypeError, KeyError) as e:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise LaunchError(
            f"{executable!r} does not answer as a Python does{f': {said}' if said else ''}; give the path "
            "of one"
        ) from e


def _made(said: dict[str, Any]) -> Installation:
    torch = said["torch"] and mirrored.real(said["torch"])  # by which the observer that is built is known
    return Installation(**{**said, "version": tuple(said["version"]), "torch": torch})


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))
