"""A temporary folder that looks like the working folder, and in which a run of a program may write.

Commands that run a program many times, at the same time or with changed sources must not touch the user's
folder: no run overwrites a checkpoint, finds what an earlier one left, or writes a file together with
another.  So each trial has a mirror, and starts in there.

In the mirror's folder every path of the user's stands again: ``/home/me/train.py`` is
``FOLDER/home/me/train.py``.  The working folder is mirrored (`mirror_tree`), and what lies beside it and
above is linked, so that ``../data`` is there, too.  Links become copies when something is written there
(`copy_up`, in each Python of the trial).  What the trial writes to by a path elsewhere goes there, as in any
run.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final

from samebits._runtime.mirrored import VARIABLE
from samebits.errors import LaunchError
from samebits.launch.mirror_links import Links, is_below
from samebits.launch.mirror_owner import claimed, remove_abandoned
from samebits.launch.mirror_tree import ENVIRONMENT, PREFIX, Making, looked_through, outermost, removed, state
from samebits.launch.mirror_words import Words, own_named
from samebits.launch.program import Program
from samebits.model.sites import INSTALLED_NAMES

#: What lies in the folder in which a project begins.
_PROJECT: Final = (".git", "pyproject.toml", "setup.py", "setup.cfg")


class Mirror:
    """A mirror of a program's working folder; it is there until `clear`, or to the end of its `with` block.

    Attributes:
        folder: the working folder in the mirror.
        linked: folders of the user's that are linked as a whole (repositories' `.git`, environments,
            `node_modules`, what cannot be read, and the largest where there are too many files), and sources
            that cannot be read.  A folder becomes one of links when something is written in it.
    """

    def __init__(
        self, folder: Path, program: Program, under: Path | None = None, name: str | None = None
    ) -> None:
        """Make the mirror of a program's working folder, in a new folder where temporary ones are.

        Args:
            folder: that the program starts in.
            program: its script may lie elsewhere, and is mirrored then, too.
            under: another folder to make the new one in.
            name: what the new one is called there, so that one run's paths are another's; by default as no
                other is.

        Raises:
            LaunchError: the folder cannot be read, or the mirror not be made: a full disk, no permission.
        """
        self._real = os.path.realpath(folder)
        script = _script(program, self._real)
        roots = outermost([self._real, *([] if script is None else [_root_of(script, self._real)])])
        if os.sep in roots:
            raise LaunchError("the folder of the whole file system is not mirrored; change into another one")
        self._base: str | None = None
        self._claim: int | None = None
        try:
            tops = list(map(looked_through, roots))
        except OSError as e:
            raise LaunchError(f"a folder cannot be read: {e.strerror or e}{_where(e)}") from e
        try:
            remove_abandoned(str(under or tempfile.gettempdir()), name)
            self._base = _made(under, name)
            self._claim = claimed(self._base)
            tree = os.path.join(self._base, "tree")
            os.mkdir(tree)
            self._links = Links(tree, roots)
            making = Making(self._links)
            making.make(tops)
        except OSError as e:
            self.clear()
            raise LaunchError(
                f"{self._real!r} could not be mirrored in {str(under or tempfile.gettempdir())!r}: "
                f"{e.strerror or e}{_where(e)}; choose another folder for temporary files with TMPDIR"
            ) from e
        except BaseException:
            self.clear()
            raise
        self.folder = Path(tree + self._real)
        self.linked = tuple(sorted(making.linked))
        self._files = making.links
        ways = {root: tree + root for root in roots} | self._logical(tree)
        self._words = Words(self._real, ways, making.environments)

    def _logical(self, tree: str) -> dict[str, str]:
        """The working folder as a shell calls it that came there through a link."""
        way = os.environ.get("PWD", "")
        is_here = os.path.isabs(way) and os.path.realpath(way) == self._real
        return {os.path.normpath(way): tree + self._real} if is_here else {}

    def __enter__(self) -> Mirror:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def clear(self) -> None:
        """Remove the mirror, and nothing that its links lead to; once is enough."""
        try:
            if self._base is not None:
                removed(self._base)
        finally:
            if self._claim is not None:
                os.close(self._claim)
                self._claim = None

    def changed(self) -> tuple[Path, ...]:
        """Files of the user's that are linked by themselves and were changed since, by whomever.

        A program that is no Python, and has a file's name neither from its own words nor from a Python of the
        trial, may have written there.
        """
        return tuple(Path(path) for path, before in self._files.items() if _state(path) != before)

    def mirrored(self, path: str | Path) -> Path:
        """Where a path is in the mirror; a relative one is of the working folder, and one elsewhere stays."""
        return Path(self._links.mirrored(os.path.normpath(os.path.join(self._real, path))))

    def real(self, path: str | Path) -> Path:
        """Where a path of the mirror is outside of it; a relative one is of the working folder."""
        absolute = os.path.normpath(os.path.join(self._real, path))
        inside = self._links.holds(absolute)
        return Path(absolute[len(self._links.folder) :] if inside else absolute)

    def program(self, program: Program) -> Program:
        """The same program, which starts in the mirror: with its words, folder and variables translated.

        Raises:
            LaunchError: a file that a command names could not be copied.
        """
        words = tuple(self._words.words(program.target))
        given = {
            name: None if value is None else self._words.translated(value)
            for name, value in program.variables
        }
        variables: Mapping[str, str | None] = {
            **self._words.variables(os.environ),
            "GIT_OPTIONAL_LOCKS": "0",  # `git status` would write to the user's index
            **given,
            VARIABLE: self._links.folder,
        }
        folder = self.folder if program.folder is None else self.mirrored(os.path.realpath(program.folder))
        if program.kind == "command":
            try:
                own_named(self._links, words, str(folder))
            except OSError as e:
                raise LaunchError(f"a file could not be copied: {e.strerror or e}{_where(e)}") from e
        return replace(program, target=words, folder=str(folder), variables=tuple(variables.items()))

    def write(self, file: str | Path, data: bytes) -> None:
        """Replace what a source file holds in the mirror.

        Raises:
            LaunchError: it lies outside of the mirror or is no file; or the disk is full.
        """
        path = self._place(file)
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                raise LaunchError(f"{str(file)!r} cannot be changed: it is not a file")
            self._links.own(path)
            self._links.write(path, data)
        except OSError as e:
            raise LaunchError(f"{str(file)!r} cannot be changed: {e.strerror or e}") from e

    def _place(self, file: str | Path) -> str:
        """The path in the mirror, without links of the user's, of a file."""
        there = os.path.realpath(self.mirrored(file))
        real = there[len(self._links.folder) :] if self._links.holds(there) else there
        path = self._links.mirrored(real)
        if not self._links.holds(path):
            raise LaunchError(f"{str(file)!r} cannot be changed: it lies outside of the mirror")
        return path


def _made(under: Path | None, name: str | None) -> str:
    """A new folder that nobody else may look into."""
    if name is None:
        return os.path.realpath(tempfile.mkdtemp(prefix=PREFIX, dir=under))
    path = os.path.join(os.path.realpath(under or tempfile.gettempdir()), PREFIX + name)
    os.mkdir(path, 0o700)
    return path


def _state(path: str) -> tuple[int, int, int] | None:
    try:
        return state(os.stat(path))
    except OSError:
        return None


def _where(error: OSError) -> str:
    return f" ({os.fsdecode(error.filename)})" if isinstance(error.filename, str | bytes) else ""


def _script(program: Program, folder: str) -> str | None:
    """The file of a program's script, if that lies outside of the folder and is nobody else's."""
    if program.kind == "module":
        return None
    words = program.target[:1] if program.kind == "script" else program.target
    for word in words:
        path = os.path.realpath(os.path.join(folder, word))
        if (program.kind == "script" or word.endswith(".py")) and os.path.isfile(path):
            return None if is_below(path, folder) or _is_installed(path) else path
    return None


def _is_installed(path: str) -> bool:
    names = path.split(os.sep)
    return any(name in names for name in INSTALLED_NAMES) or any(
        (above / name).exists() for above in Path(path).parents for name in ENVIRONMENT
    )


def _root_of(script: str, folder: str) -> str:
    """What is mirrored for a script outside of the working folder.

    That is its project, if the working folder lies in there too; else its own folder.
    """
    own = os.path.dirname(script)
    home = os.path.realpath(os.path.expanduser("~"))
    for above in (own, *map(str, Path(own).parents)):
        if above in (home, os.sep):
            break
        begins = any(os.path.lexists(os.path.join(above, name)) for name in _PROJECT)
        if is_below(folder, above) and (begins or above == own):
            return above
    return own
