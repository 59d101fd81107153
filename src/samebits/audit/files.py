"""Which files a path stands for: itself, or what Python source and notebooks lie below a folder."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from samebits.errors import UsageError, UsageTypeError
from samebits.model.sites import INSTALLED_NAMES

_ENDINGS: Final = (".py", ".pyw", ".ipynb")
#: Folders that hold no source of the user's.
_LEFT_OUT: Final = frozenset(
    {"__pycache__", "node_modules", *INSTALLED_NAMES, "build", "dist", "venv", "env.bak"}
)


def found(paths: Sequence[str | os.PathLike[str]], exclude: Iterable[str] = ()) -> list[str]:
    """The files of paths, in order and each once; those given by name are taken whatever they are called.

    Hidden folders, environments and what is installed or built are left out, and links to folders.

    Args:
        exclude: patterns of `fnmatch` for paths or names that are left out.

    Raises:
        UsageError: there is no such path.
    """
    files: dict[str, None] = {}
    patterns = tuple(exclude)
    for each in paths:
        if not isinstance(each, str | os.PathLike):
            raise UsageTypeError(f"audit: a path must be a text or a path, got {each!r}")
        path = os.fspath(each)
        if "\0" in path or not os.path.exists(path):
            raise UsageError(f"{path!r} is not there.")
        if not os.path.isdir(path):
            files[path] = None
            continue
        for one in _below(path):
            if not _is_excluded(one, path, patterns):
                files[one] = None
    return list(files)


def _below(folder: str) -> Iterator[str]:
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_foreign(os.path.join(here, name), name))
        for name in sorted(names):
            if name.endswith(_ENDINGS) and not name.startswith("."):
                path = os.path.join(here, name)
                if os.path.isfile(path):
                    yield os.path.normpath(path)


def _is_foreign(path: str, name: str) -> bool:
    return (
        name.startswith(".")
        or name in _LEFT_OUT
        or name.endswith((".egg-info", ".dist-info"))
        or os.path.exists(os.path.join(path, "pyvenv.cfg"))
        or os.path.exists(os.path.join(path, "conda-meta"))
    )


def _is_excluded(path: str, top: str, patterns: tuple[str, ...]) -> bool:
    inner = os.path.relpath(path, top).replace(os.sep, "/")
    parts = inner.split("/")
    for pattern in patterns:
        bare = pattern.rstrip("/")
        if fnmatch.fnmatch(inner, bare) or fnmatch.fnmatch(path, bare) or fnmatch.fnmatch(inner, f"{bare}/*"):
            return True
        if any(fnmatch.fnmatch(part, bare) for part in parts):
            return True
    return False
