"""Whose a source file is: the program's, an installed package's, samebits' or Python's.

Every part of samebits that treats the program's own code in another way asks `owner`: what is rewritten and
observed, whose line an error names, whose variables are looked through for generators, whose files are data.
The answer depends on the file's path alone, as it is written and as links lead to it; a file is the
program's only if neither says otherwise.  (Some installers fill site-packages with links.)

Three questions need more than the owner, and each has a function of its own:

- `is_user_file`: what can be rewritten and shown is a file, so code without one does not count;
- `is_user_code`: code without a file (a notebook's cell, a string, ``python -c``) is the user's, too;
- `samebits.usercode.program`: the program itself may be an installed package, which its modules tell.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from enum import Enum
from functools import lru_cache
from types import ModuleType
from typing import Any, Final

from samebits._runtime import mirrored
from samebits.model.sites import INSTALLED_NAMES


class Owner(Enum):
    """Who wrote a source file."""

    PROGRAM = "the program"
    INSTALLED = "an installed package"
    LIBRARY = "torch or numpy, installed or a checkout"
    SAMEBITS = "samebits"
    PYTHON = "Python's standard library"
    NO_FILE = "code without a file"


#: Top-level packages that are no third party's.  torch and numpy are never the program, though a program be
#: started with them (`torchrun`).
KNOWN_PACKAGES: Final = sys.stdlib_module_names | {"torch", "numpy", "samebits"}
#: The folder of samebits' own files.
PACKAGE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

_Folders = tuple[tuple[str, Owner], ...]


def _both(owner: Owner, *paths: str) -> _Folders:
    """Folders, as they are written and as links lead to them."""
    forms = dict.fromkeys(form for path in paths for form in (os.path.abspath(path), os.path.realpath(path)))
    return tuple((os.path.join(form, ""), owner) for form in forms)


#: Folder -> owner.  Not asked for later: `sysconfig` imports while it answers, and every import asks here.
_FIXED: Final[_Folders] = (
    *_both(Owner.SAMEBITS, PACKAGE),
    *_both(Owner.PYTHON, *map(sysconfig.get_path, ("stdlib", "platstdlib"))),
    *_both(Owner.INSTALLED, *map(sysconfig.get_path, ("purelib", "platlib"))),
)


def folders(owner: Owner) -> tuple[str, ...]:
    """The folders of an owner, with a separator at the end; installed packages lie within Python's."""
    return tuple(folder for folder, whose in _FIXED if whose is owner)


def prefixes(owner: Owner) -> list[str]:
    """What the paths of an owner's files begin with: for who cannot ask about each file, and has to be quick.

    Python's folder is given by its entries, for the installed packages lie in it.
    """
    if owner is not Owner.PYTHON:
        return list(folders(owner))
    found: set[str] = set()
    for folder in folders(owner):
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        found.update(os.path.join(folder, name) for name in names if name not in INSTALLED_NAMES)
    return [path + os.sep if os.path.isdir(path) else path for path in sorted(found)]


def owner(file: str) -> Owner:
    """Whose a source file is, by the name that code objects and modules give."""
    global _libraries
    torch, numpy = sys.modules.get("torch"), sys.modules.get("numpy")
    if torch is not _libraries[0] or numpy is not _libraries[1] or len(_owners) > _MOST:
        _libraries = torch, numpy
        _owners.clear()
    found = _owners.get(file)
    if found is None:
        found = _owners[file] = _owner(file)
    return found


def is_user_file(file: str) -> bool:
    """Whether a source file is the program's."""
    return owner(file) is Owner.PROGRAM


def is_user_code(file: str) -> bool:
    """Whether code is the program's by its file, or has none."""
    return owner(file) in (Owner.PROGRAM, Owner.NO_FILE)


#: File -> owner, as long as the same libraries are loaded.
_owners: dict[str, Owner] = {}
_libraries: tuple[Any, ...] = (None, None)  # the modules that `_owners` knows the folders of
_MOST: Final = 65536


def _owner(file: str) -> Owner:
    if not file or file.startswith("<"):
        return Owner.PYTHON if file.startswith("<frozen") else Owner.NO_FILE
    known = _known(*(module if issubclass(type(module), ModuleType) else None for module in _libraries))
    found = _by_path(os.path.abspath(file), known)
    return found if found is not Owner.PROGRAM else _by_path(os.path.realpath(file), known)


#: Of a module that loads itself when it is asked for anything, too.
_variables: Any = vars(ModuleType)["__dict__"].__get__


@lru_cache(maxsize=8)
def _known(*libraries: ModuleType | None) -> _Folders:
    """Every folder whose owner is known, the innermost first."""
    files = [_variables(module).get("__file__") for module in libraries if module is not None]
    loaded = _both(Owner.LIBRARY, *(os.path.dirname(file) for file in files if type(file) is str))
    return tuple(sorted((*_FIXED, *loaded), key=lambda known: -len(known[0])))


def _by_path(path: str, known: _Folders) -> Owner:
    folder, whose = next((each for each in known if path.startswith(each[0])), ("", Owner.PROGRAM))
    within = path[len(folder) :].split(os.sep)
    return Owner.INSTALLED if any(name in within for name in INSTALLED_NAMES) else whose


@lru_cache(maxsize=4096)
def relative(filename: str) -> str:
    """``filename`` relative to the working directory, the one when it was first asked for, if under it.

    A link in there has its own name: the program was started by it, and events name it so.
    """
    try:
        here = os.path.realpath(os.getcwd())
        path = os.path.abspath(filename)
        if not path.startswith(here + os.sep):
            path = os.path.realpath(filename)
    except (OSError, ValueError):
        return filename
    return path[len(here) + 1 :] if path.startswith(here + os.sep) else mirrored.real(path)
