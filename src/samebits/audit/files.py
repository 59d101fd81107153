"""Which files a path stands for: itself, or what Python source and notebooks lie below a folder."""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from samebits.errors import UsageError, UsageTypeError
from samebits.model.sites import INSTALLED_NAMES

_ENDINGS: Final = (".py", ".pyw", ".ipynb")
#: Folders that hold no source of the user's.
_LEFT_OUT: Final = frozenset(
    {"__pycache__", "node_modules", *INSTALLED_NAMES, "build", "dist", "venv", "env.bak"}
)


class FoundFiles(NamedTuple):
    """Files, and the folders that could not be listed, with why."""

    files: list[str]
    unlisted: list[tuple[str, str]]


def found(paths: Sequence[str | os.PathLike[str]], exclude: Iterable[str] = ()) -> FoundFiles:
    """The files of paths, in order and each once; those given by name are taken whatever they are called.

    Hidden folders, environments and what is installed or built are left out, and links in folders.

    Args:
        exclude: patterns of `fnmatch` for paths or names that are left out.

    Raises:
        UsageError: there is no such path, or it is neither a file nor a folder.
    """
    files: dict[str, None] = {}
    unlisted: dict[str, str] = {}
    patterns = tuple(exclude)
    for each in paths:
        if not isinstance(each, str | os.PathLike):
            raise UsageTypeError(f"audit: a path must be a text or a path, got {each!r}")
        path = os.fspath(each)
        if "\0" in path or not os.path.exists(path):
            raise UsageError(f"{path!r} is not there.")
        if not os.path.isdir(path):
            if not os.path.isfile(path):  # a pipe would be waited for
                raise UsageError(
                    f"{path!r} is neither a file nor a folder; --stdin-filename reads the standard input."
                )
            files[path] = None
            continue
        failed: list[OSError] = []
        for one in _below(path, failed):
            if not _is_excluded(one, path, patterns):
                files[one] = None
        for error in failed:
            one = os.path.normpath(error.filename)
            if one == os.path.normpath(path) or not _is_excluded(one, path, patterns):
                unlisted[one] = error.strerror or str(error)
    return FoundFiles(_told_apart(files), list(unlisted.items()))


def _told_apart(files: Iterable[str]) -> list[str]:
    """Paths without those of a file that has another one before."""
    found: list[str] = []
    seen: set[tuple[int, int]] = set()
    for file in files:
        try:
            status = os.stat(file)
        except OSError:  # it is reported when it is read
            found.append(file)
            continue
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            found.append(file)
    return found


def _below(folder: str, failed: list[OSError]) -> Iterator[str]:
    for here, folders, names in os.walk(folder, onerror=failed.append):
        folders[:] = sorted(name for name in folders if not _is_foreign(os.path.join(here, name), name))
        for name in sorted(names):
            if name.endswith(_ENDINGS) and not name.startswith("."):
                path = os.path.join(here, name)
                if not os.path.islink(path) and _may_be_file(path):
                    yield os.path.normpath(path)


def _may_be_file(path: str) -> bool:
    """Not what is no regular file, nor a link to nothing; what may not be looked at is read, and reported."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except PermissionError:
        return True
    except OSError:
        return False


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
