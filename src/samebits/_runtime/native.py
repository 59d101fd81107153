"""Builds native code: a `Library` says of what, and this file where it is kept and whether it may be loaded.

A compiled file is code, and whoever can write it runs code as this user.  So one is
used only if it and its folder belong to this user or to root and nobody else may write them.
What fails that is refused with a sentence, and a private place in the temporary folder is
used instead.  The installation's own files are not asked: they are trusted like the package.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from samebits._runtime.aside import files_aside
from samebits.errors import SamebitsError

_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH
_SCRATCH: Final = "build-"
#: Seconds after which the scratch folder of a build that was killed is removed.
_STALE: Final = 3600
_TURN: Final = 0.25
#: Seconds after which a compiler is given up.
_PATIENCE: Final = 600


class BuildError(SamebitsError):
    """Native code could not be built; says why, in the compiler's words where it spoke."""


class NoFolder(SamebitsError):
    """There is no folder to keep compiled code in."""


def folders() -> list[Path]:
    """Where built files may lie: ``$SAMEBITS_CACHE`` or the user's cache folder, then a private place."""
    first = _named("SAMEBITS_CACHE") or _users()
    uid = os.geteuid() if hasattr(os, "geteuid") else 0
    private = (_named("TMPDIR") or Path("/tmp")) / f"samebits-{uid}"  # `fault` looks at it
    return [private] if first is None else [first, private]


def _named(variable: str) -> Path | None:
    text = os.environ.get(variable)
    return Path(os.path.abspath(text)) if text and (os.path.isabs(text) or _there()) else None


def _there() -> bool:
    try:
        os.getcwd()
    except OSError:  # the working folder was deleted: `abspath` needs one
        return False
    return True


def _users() -> Path | None:
    root = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(root):
        if os.environ.get("HOME") == "":  # that of nobody; Python takes it for the root folder
            return None
        try:
            root = str(Path.home() / ".cache")
        except (RuntimeError, KeyError):  # neither HOME nor an entry in the table of users
            return None
    return Path(root) / "samebits" if os.path.isabs(root) else None


def fault(path: Path) -> str | None:
    """Why compiled code at ``path``, a file or a folder that is there, is not used; None: it may be."""
    if os.name != "posix":
        return None
    try:
        real = Path(os.path.realpath(path))
        above = {*path.parents, *real.parents}
        if path != real:
            above.add(path)  # a link: who could turn it elsewhere is who may write its folder
        for each in sorted(above):
            status = os.lstat(each)
            if not stat.S_ISLNK(status.st_mode) and _replaceable(status):
                return f"others may write {str(each)!r} and so replace what is in it; chmod go-w {each}"
        status = os.lstat(real)
    except OSError as e:
        return f"{str(path)!r} cannot be looked at: {e.strerror}"
    if status.st_uid not in (0, os.geteuid()):
        return f"{str(path)!r} belongs to another user"
    if status.st_mode & _OTHERS:
        return f"others may write {str(path)!r}; chmod go-w {path}"
    return None


def _replaceable(status: os.stat_result) -> bool:
    """Whether someone else can put another file in the place of one in this folder."""
    if status.st_mode & stat.S_ISVTX:
        return False
    if status.st_mode & stat.S_IWOTH:
        return True
    # A group of this user's own is common, with a umask that lets it write everywhere.
    return bool(status.st_mode & stat.S_IWGRP) and status.st_gid not in (0, os.getegid())


def find(name: str) -> Path | None:
    """The built file of this name that may be loaded, if there is one."""
    for folder in folders():
        path = folder / name
        if os.path.exists(path) and fault(folder) is None and fault(path) is None:
            return path
    return None


def refused(name: str) -> str | None:
    """In a sentence, why the user's cache folder, or the file in it, is not used; None: it is, or can be."""
    folder = folders()[0]
    for path in (folder, folder / name):
        if os.path.exists(path) and (why := fault(path)) is not None:
            return f"compiled code kept there is not used: {why}"
    return None


def build(name: str, make: Callable[[Path], Path]) -> Path:
    """Have ``make(scratch folder)`` make a file, and put it whole where `find` finds it.

    Raises:
        NoFolder: none can be written to; says which were tried.
        OSError: the disk is full, or the like.
    """
    with files_aside():  # a program that is recorded may be the first to need it
        folder = _writable()
        with tempfile.TemporaryDirectory(dir=folder, prefix=_SCRATCH) as scratch:
            made = make(Path(scratch))
            made.chmod(0o755)  # whatever the umask
            os.replace(made, folder / name)  # another process may have been quicker: the same bytes
    return folder / name


def _writable() -> Path:
    """The first folder that may hold compiled code and can be written to; made if it is not there."""
    reasons = []
    for folder in folders():
        try:
            if folder == _named("SAMEBITS_CACHE"):
                folder.parent.mkdir(parents=True, exist_ok=True)
            elif folder == _users():  # a home that is not there is not made
                with suppress(FileExistsError):
                    folder.parent.mkdir(mode=0o700)
            with suppress(FileExistsError):
                folder.mkdir(mode=0o700)
            if (why := fault(folder)) is None:
                _sweep(folder)
                with tempfile.TemporaryDirectory(dir=folder, prefix=_SCRATCH):
                    return folder
        except OSError as e:
            why = f"{str(folder)!r} cannot be written to: {e.strerror or e}"
        reasons.append(why)
    raise NoFolder(f"there is no folder to keep it in: {'; '.join(reasons)}")


def _sweep(folder: Path) -> None:
    """Remove what builds that were killed have left."""
    for old in folder.glob(f"{_SCRATCH}*"):
        with suppress(OSError):
            if time.time() - old.lstat().st_mtime > _STALE:
                shutil.rmtree(old, ignore_errors=True)


def compiler(variable: str, names: Sequence[str]) -> str | None:
    """The compiler that the variable names, else the first of `names` on the path."""
    asked = os.environ.get(variable)
    return next((found for name in ([asked] if asked else names) if (found := shutil.which(name))), None)


#: Runs the words after it and ends with their code.  A compiler starts others, and all of them must go when
#: this process does, however it ends: then the other end of a pipe closes, and the shell kills its group.
_GUARD: Final = """
exec 3<&0 </dev/null
"$@" 3<&- & compiler=$!
{ read -r _ <&3; kill -KILL 0; } & exec 3<&-
wait "$compiler"
"""


def compiled(
    command: Sequence[str],
    scratch: Path,
    *,
    patience: float,
    tick: Callable[[float], None] | None = None,
) -> tuple[int | None, str]:
    """Run a compiler, which does not outlive this process: its exit code (None: too slow) and what it said.

    Its own temporary files go to ``scratch``.  ``tick`` is called now and then with the seconds so far.

    Raises:
        OSError: it could not be started.
    """
    began = time.monotonic()
    words = ["/bin/sh", "-c", _GUARD, "sh", *command] if os.name == "posix" else list(command)
    # A file, not a pipe: nobody reads while it is waited for.
    with open(scratch / "errors.txt", "w+b") as errors:
        child = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**os.environ, "TMPDIR": str(scratch)},
            start_new_session=True,
        )
        try:
            while child.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    child.wait(timeout=_TURN)
                    break
                seconds = time.monotonic() - began
                if tick is not None:
                    tick(seconds)
                if seconds > patience:
                    return None, ""
        finally:
            if child.poll() is None:
                child.kill()
            assert child.stdin is not None
            child.stdin.close()  # what is left of its group ends
            child.wait()
        errors.seek(0)
        return child.returncode, errors.read().decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Language:
    """What native code is written in, and by what its compiler is found."""

    name: str
    variable: str
    compilers: tuple[str, str, str]

    def compiler(self) -> str | None:
        """The compiler that the variable names, else the first of the usual ones on the path."""
        return compiler(self.variable, self.compilers)


C: Final = Language("C", "CC", ("cc", "gcc", "clang"))
CXX: Final = Language("C++", "CXX", ("c++", "g++", "clang++"))


@dataclass(frozen=True, slots=True)
class Unit:
    """One source that is compiled by itself.

    Args:
        source: the file.
        flags: the compiler's, beside those of the library.
        optional: whether it is left out where the compiler cannot compile it.
        then: flags of the units after it, if it was compiled.
    """

    source: Path
    flags: tuple[str, ...] = ()
    optional: bool = False
    then: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Library:
    """A file of compiled code: of what it is made, and on what it depends.

    Args:
        name: how the file's name begins.
        title: what an error calls it.
        language: of all its units.
        sources: every file that goes into it, headers too.
        units: what is compiled, in this order.
        flags: of each unit.
        links: the linker's.
        parts: what it depends on beside its sources; their `repr` counts.
        suffix: how the file's name ends.
    """

    name: str
    title: str
    language: Language
    sources: tuple[Path, ...]
    units: tuple[Unit, ...]
    flags: tuple[str, ...]
    links: tuple[str, ...]
    parts: tuple[Any, ...]
    suffix: str

    def digest(self) -> str:
        """What the built file depends on: the sources and `parts`."""
        h = hashlib.sha256(repr(self.parts).encode())
        for source in self.sources:
            h.update(source.name.encode() + b"\0" + source.read_bytes())
        return h.hexdigest()[:20]

    def file(self) -> str:
        """The name of the built file in the folder for compiled code."""
        return f"{self.name}-{self.digest()}{self.suffix}"

    def build(self, tick: Callable[[float], None] | None = None) -> Path:
        """Compile it into the folder for compiled code.  Safe to call from several processes.

        ``tick`` is called with the seconds so far, a few times a second.

        Raises:
            BuildError: there is no compiler or no folder to keep it in, or the compiler failed.
        """
        program, name = self._compiler(), self.file()
        try:
            return build(name, lambda scratch: self._linked(program, scratch, name, tick))
        except (OSError, NoFolder) as e:
            raise BuildError(f"{self.title} could not be built: {e}") from e

    def build_at(self, path: Path) -> None:
        """Compile it to a path.

        Raises:
            BuildError: as of `build`.
        """
        program = self._compiler()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
                os.replace(self._linked(program, Path(scratch), path.name, None), path)
        except OSError as e:
            raise BuildError(f"{self.title} could not be built in {path.parent}: {e}") from e

    def _compiler(self) -> str:
        found = self.language.compiler()
        if found is None:
            first, second, third = self.language.compilers
            raise BuildError(
                f"no {self.language.name} compiler ({first}, {second} or {third}) is on the path"
            )
        return found

    def _linked(self, program: str, scratch: Path, name: str, tick: Callable[[float], None] | None) -> Path:
        began = time.monotonic()
        told = None if tick is None else lambda _: tick(time.monotonic() - began)  # of all its commands
        objects, then = [], list[str]()
        for number, unit in enumerate(self.units):
            made = scratch / f"{unit.source.stem}-{number}.o"
            words = (*self.flags, *unit.flags, *then, "-c", str(unit.source), "-o", str(made))
            try:
                _run(scratch, told, program, *words)
            except BuildError:
                if not unit.optional:
                    raise
                continue
            objects.append(str(made))
            then += unit.then
        linked = scratch / name
        _run(scratch, told, program, "-shared", "-o", str(linked), *objects, *self.links)
        return linked


def _run(scratch: Path, tick: Callable[[float], None] | None, *command: str) -> None:
    code, said = compiled(command, scratch, patience=_PATIENCE, tick=tick)
    if code is None:
        raise BuildError(f"{command[0]} took more than {_PATIENCE} s")
    if code:
        lines = [line for line in said.splitlines() if "error" in line] or said.splitlines()
        raise BuildError(f"{command[0]} failed: {lines[0] if lines else f'exit code {code}'}")
