"""Which Python a program runs in: the one that is given, the active environment's, or samebits' own.

samebits may be installed by itself (pipx, uv tool) and run programs of any environment.  A command
names its Python itself.  What cannot work there is said before anything is started.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from samebits.errors import LaunchError
from samebits.launch.obstacle import obstacle, started
from samebits.observe import installation
from samebits.observe.installation import Installation

#: Variables that name the active environment.
_ACTIVE: Final = ("VIRTUAL_ENV", "CONDA_PREFIX")


def python_of(given: str | None) -> str:
    """The Python of a script or module.

    Raises:
        LaunchError: the given one is none.
    """
    if given is None:
        active = _active()
        return sys.executable if active is None else active[1]
    found = shutil.which(os.path.expanduser(given))
    if found is None and os.path.isdir(given):
        found = shutil.which(os.path.join(given, "bin", "python"))  # an environment's folder
    if found is None:
        raise LaunchError(f"there is no Python {given!r} that can be run; give the path of one")
    return os.path.abspath(found)  # not the file that a link leads to: an environment is known by its link


def chosen_by() -> str | None:
    """The variable that chose another Python than samebits' own, if one did."""
    active = _active()
    return None if active is None else active[0]


def _active() -> tuple[str, str] | None:
    """(variable, Python) of the active environment, if it is another than samebits' own and has torch."""
    for variable in _ACTIVE:
        folder = os.environ.get(variable)
        if not folder:
            continue
        if os.path.realpath(folder) == os.path.realpath(sys.prefix):
            return None
        python = os.path.join(folder, "bin", "python")
        # A shell of conda begins in the base environment, which nobody has chosen.
        base = variable == "CONDA_PREFIX" and os.environ.get("CONDA_DEFAULT_ENV") == "base"
        if base and installation.here().torch is not None:
            continue
        if os.access(python, os.X_OK) and _has_torch(python):
            return variable, python
    return None


@lru_cache(maxsize=16)
def _has_torch(python: str) -> bool:
    try:
        return installation.of(python).torch is not None
    except LaunchError:
        return False


def of_command(
    words: Sequence[str], environ: Mapping[str, str], folder: str | None = None
) -> Installation | None:
    """The Python that a command names, which starts in ``folder``; None: its words do not say.

    Raises:
        LaunchError: it will not be attached; says why and the way out.
    """
    found = started([_in(folder, words[0]), *words[1:]], environ)
    if found is None:
        return None
    argv, variables = found
    if (why := obstacle(argv, variables)) is not None:
        raise LaunchError(f"{' '.join(words[:4])!r} would run without samebits: {why}")
    path = shutil.which(_in(folder, argv[0]), path=variables.get("PATH"))
    return None if path is None else installation.of(os.path.abspath(path))


def _in(folder: str | None, word: str) -> str:
    """A command's word as it is found in ``folder``: one without a separator is looked for on the PATH."""
    return os.path.join(folder, word) if folder is not None and os.path.dirname(word) else word


def checked(python: Installation, *, named: bool, observing: bool) -> None:
    """Refuse a Python that samebits cannot work inside of.  ``named``: by a command, which may start others.

    Raises:
        LaunchError: it cannot; says why and the way out.
    """
    if python.torch is None:
        if observing and not named:
            raise LaunchError(
                f"torch is not installed for {python.executable}, which is to run the program: say which "
                "Python has it with --python PATH, or activate its environment"
            )
        if named:
            return  # it may start a Python that has
    if python.obstacle is not None:
        raise LaunchError(python.obstacle)
