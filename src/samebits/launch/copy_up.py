"""In a process of a trial: what it is about to write is copied into the mirror before.

Python raises an audit event before it opens, moves, removes or changes a file.  The one hook here makes the
path a place of the mirror's own first (`mirror_links`), and lets the rest through.  Writers that open files
past Python are in `native_writers`.  A path into the user's folder itself, as a program may have it in its
source, is refused: no event can change where it leads.

A program should not notice that a file of its is a link.  So what asks Python where a link leads gets a path
in the mirror, and links of ours are none for `os.path.islink`, by which `os.walk` decides where to go.

Not seen are processes that are no Python, but for the files that they are named when one starts them, and
libraries that are not in `native_writers`.
"""

from __future__ import annotations

import errno
import json
import os
import posixpath
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from samebits._runtime import forks, patcher
from samebits._runtime.aside import are_files_aside, files_aside
from samebits._runtime.mirrored import VARIABLE
from samebits.launch import native_writers
from samebits.launch.mirror_links import DEVICES, Links, is_below
from samebits.launch.mirror_words import own_named
from samebits.model.sites import INSTALLED_NAMES
from samebits.observe.plan import PLAN

#: Folders that a program's tools keep for themselves; in the user's folder they may go on to.
_KEPT: Final = (
    "TMPDIR", "TEMP", "TMP", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME",
)  # fmt: skip
_TEMPORARY: Final = ("/tmp", "/var/tmp", "/usr/tmp")  # as `tempfile` has them
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_TRUNC | os.O_APPEND | os.O_CREAT
#: Beside a database: what was written and is not in it yet.
_JOURNALS: Final = ("-journal", "-wal", "-shm")
_REFUSED: Final = "samebits keeps a trial from writing to the folder that it mirrors"
_WAL: Final = b"\x02\x02"  # https://www.sqlite.org/fileformat2.html#file_format_version_numbers

_links: Links | None = None
_allowed: tuple[str, ...] = ()  # folders in the user's folder that may be written to
_realpath: Final = posixpath.realpath
_islink: Final = posixpath.islink
_environment: Final = _realpath(sys.prefix)


def install() -> None:
    """Keep what this process writes in its mirror from now on, if it is in one.

    Raises:
        OSError: the mirror is not there any more.
    """
    global _links, _allowed
    folder = os.environ.get(VARIABLE)
    if not folder or _links is not None:
        return
    _links = Links(folder)
    _allowed = tuple(_realpath(path) for path in _kept(folder))
    forks.register(after_in_child=_links.renew)
    patcher.replace(os.path, "realpath", _mirrored_realpath)
    patcher.replace(os.path, "islink", _is_users_link)
    _lead_imports()
    native_writers.install(write)
    sys.addaudithook(_hook)


def _kept(folder: str) -> list[str]:
    found = [os.path.dirname(folder), *_TEMPORARY]
    found += [os.environ[name] for name in _KEPT if os.environ.get(name)]
    with suppress(KeyError, ValueError, TypeError):
        found.append(json.loads(os.environ[PLAN])["folder"])
    return found


def write(path: Any, *, empty: bool = False) -> None:
    """Called before what is no part of Python writes to a path; ``empty``: the file is truncated.

    Raises:
        OSError: the file could not be copied, or lies in the user's folder.
    """
    if not are_files_aside():
        with files_aside():
            _write(path, empty=empty)


def _write(path: Any, *, follow: bool = True, empty: bool = False, near: int = -1) -> None:
    """Something is about to be written to a path.  Raises OSError.

    Args:
        path: as a program gives it.
        follow: what a link leads to is written; else the name itself.
        empty: the file is truncated.
        near: an opened folder that the path is relative to.
    """
    links = _links
    if links is None or isinstance(path, int):
        return
    name = os.fsdecode(path)
    if not os.path.isabs(name):
        name = os.path.join(os.getcwd() if near < 0 else os.readlink(f"/proc/self/fd/{near}"), name)
    if not links.holds(name):
        _refuse(links, name, follow)
        return
    if "__pycache__" in name and not links.holds(_realpath(os.path.dirname(name))):
        raise OSError(errno.EROFS, "bytecode of the user's folders is not written", name)
    place = links.own(name, follow=follow, empty=empty)
    if place is None:
        _refuse(links, name, follow)


def _refuse(links: Links, name: str, follow: bool) -> None:
    """Keep the user's folder as it is.  Raises OSError."""
    if name.startswith(DEVICES):
        return
    folder, last = os.path.split(name)
    real = _realpath(name) if follow else os.path.join(_realpath(folder), last)
    if links.mirrored(real) != real and not _stays(links, real):
        raise OSError(errno.EROFS, _REFUSED, real)


def _stays(links: Links, real: str) -> bool:
    """Whether a path in the user's folder is of what tools keep there, and so is the same in a trial."""
    for root in links.roots:
        if is_below(real, root):
            hidden = real[len(root) :].lstrip(os.sep).startswith(".")  # which is no result
            if hidden or any(is_below(real, kept) and is_below(kept, root) for kept in _allowed):
                return True
    return False


# --- what Python tells


def _hook(event: str, args: tuple[Any, ...]) -> None:
    asked = _EVENTS.get(event)
    if asked is None or (event == "open" and _reads(args[1])) or are_files_aside():
        return
    try:
        with files_aside():
            asked(*args)
    except (TypeError, ValueError, AttributeError):
        pass  # no path; the program's own error comes from where it gives it


def _reads(mode: Any) -> bool:
    """Whether a file is opened to be read: by far the most are."""
    return isinstance(mode, str) and not any(letter in mode for letter in "wax+")


def _open(path: Any, mode: Any, flags: int) -> None:
    new = bool(flags & os.O_CREAT and flags & os.O_EXCL)
    # `os.open` may mean a name in another folder: then this is the wrong file, and must stay whole.
    if mode is not None or flags & _WRITES or flags & os.O_NOFOLLOW:
        _write(path, follow=not new, empty=isinstance(mode, str) and "w" in mode)
    elif not isinstance(path, int) and os.path.isdir(path):
        _enter(path)  # paths may be relative to what is opened


def _content(path: Any, *_: Any) -> None:
    _write(path)


def _last_near(path: Any, *more: Any) -> None:
    _write(path, near=more[-1])


def _name(path: Any, *more: Any) -> None:
    _write(path, follow=False, near=more[-1])


def _rename(source: Any, target: Any, source_near: int, target_near: int) -> None:
    # A link of ours that leaves the mirror would be one to the user's file.
    leaves = _links is not None and not _links.holds(os.path.join(os.getcwd(), os.fsdecode(target)))
    _write(source, follow=leaves, near=source_near)
    _write(target, follow=False, near=target_near)


def _link(source: Any, target: Any, source_near: int, target_near: int) -> None:
    _write(source, near=source_near)  # another name for the user's file would be written to as that
    _write(target, follow=False, near=target_near)


def _symlink(_: Any, path: Any, near: int) -> None:
    _write(path, follow=False, near=near)


def _enter(path: Any) -> None:
    """What is relative from now on is relative to this folder, which must not be the user's."""
    links = _links
    if links is None or path is None or isinstance(path, int):
        return
    name = os.path.join(os.getcwd(), os.fsdecode(path))
    if links.holds(name):
        links.own(name)


def _start(_: Any, words: Any, folder: Any, __: Any) -> None:
    _enter(folder)
    _words(words, folder)


def _words(words: Any, folder: Any = None) -> None:
    given = [words] if isinstance(words, str | bytes | os.PathLike) else list(words)
    if _links is not None:
        here = os.path.join(os.getcwd(), "" if folder is None else os.fsdecode(folder))
        own_named(_links, list(map(os.fsdecode, given)), here)


def _run(_: Any, words: Any, __: Any) -> None:
    _words(words)


def _system(command: Any) -> None:
    _words(command)


def _walk(top: Any, topdown: Any, _: Any, follows: Any, *__: Any) -> None:
    if not follows and not topdown:  # else `islink` is asked
        _spread(top)


def _fwalk(top: Any, _: Any, __: Any, follows: Any, near: Any) -> None:
    if not follows and near is None:
        _spread(top)


def _glob(top: Any, pattern: Any) -> None:
    if "**" in os.fsdecode(pattern):
        _spread(top)


def _rglob(top: Any, *_: Any) -> None:
    _spread(top)


def _spread(top: Any) -> None:
    links = _links
    if links is not None and not isinstance(top, int):
        name = os.path.join(os.getcwd(), os.fsdecode(top))
        if links.holds(os.path.join(name, "")):
            links.spread(name)


def _database(path: Any) -> None:
    name = os.fsdecode(path)
    if name in ("", ":memory:"):
        return
    read_only = False
    if name.startswith("file:"):
        name, _, query = name[len("file:") :].partition("#")[0].partition("?")
        given = parse_qs(query)
        if given.get("mode") == ["memory"]:
            return
        read_only = given.get("mode") == ["ro"] or "immutable" in given
        name = unquote(name.removeprefix("//localhost") if name.startswith("//localhost/") else name)
        name = name[2:] if name.startswith("///") else name
    if read_only and not _has_journal(name):
        return
    for ending in _JOURNALS:
        _write(name + ending)
    _write(name)


def _has_journal(name: str) -> bool:
    """Whether who reads a database writes to a file beside it."""
    try:
        with open(name, "rb", buffering=0) as file:
            return file.read(20)[18:] == _WAL
    except OSError:
        return False


_EVENTS: Final[dict[str, Callable[..., None]]] = {
    "open": _open,
    "os.chdir": _enter,
    "os.chmod": _last_near,
    "os.exec": _run,
    "os.chown": _last_near,
    "os.fwalk": _fwalk,
    "os.link": _link,
    "os.mkdir": _name,
    "os.posix_spawn": _run,
    "os.remove": _name,
    "os.removexattr": _content,
    "os.rename": _rename,
    "os.rmdir": _last_near,
    "os.setxattr": _content,
    "os.symlink": _symlink,
    "os.system": _system,
    "os.truncate": _content,
    "os.utime": _last_near,
    "os.walk": _walk,
    "pathlib.Path.glob": _glob,
    "pathlib.Path.rglob": _rglob,
    "pathlib.Path.walk": _rglob,
    "shutil.rmtree": _content,
    "sqlite3.connect": _database,
    "subprocess.Popen": _start,
}


# --- what the program is told of its files


def _mirrored_realpath(filename: Any, **options: Any) -> Any:
    """`os.path.realpath`, with the mirror's path of what a link of the mirror leads to."""
    path = _realpath(filename, **options)
    links, found = _links, os.fsdecode(path)
    if links is not None and not is_below(found, _environment):
        name = os.fsdecode(filename)
        begins = links.holds(name if os.path.isabs(name) else os.path.join(os.getcwd(), name))
        if begins:
            found = links.reached(found)
        elif not _stays(links, found):
            found = links.mirrored(found)
    return os.fsencode(found) if isinstance(path, bytes) else found


def _is_users_link(path: Any) -> bool:
    """`os.path.islink`, for which a link of ours is what it leads to."""
    links = _links
    if not _islink(path):
        return False
    return links is None or isinstance(path, int) or not links.is_ours(os.fsdecode(path))


def _moved(path: str) -> str:
    """Where a path without links is in the mirror; the environment that this Python is of stays."""
    links = _links
    return path if links is None or is_below(path, _environment) else links.mirrored(path)


def _lead_imports() -> None:
    """Packages that are installed by a path into the user's folder are imported from the mirror."""

    def moved(path: str) -> str:
        real = _realpath(path) if os.path.isabs(path) else path
        if any(name in real.split(os.sep) for name in INSTALLED_NAMES):
            return path
        found = _moved(real)
        return path if found == real else found

    sys.path[:] = map(moved, sys.path)
    for name, module in list(sys.modules.items()):
        if name.startswith("__editable__"):  # setuptools' finders, https://peps.python.org/pep-0660/
            packages = getattr(module, "MAPPING", None)
            if isinstance(packages, dict):
                packages.update((package, moved(path)) for package, path in list(packages.items()))
            spaces = getattr(module, "NAMESPACES", None)
            if isinstance(spaces, dict):
                spaces.update((space, list(map(moved, paths))) for space, paths in list(spaces.items()))
