"""Changes of a program's files, each of which can be left out again: what `cure` tries, and what it patches.

A remedy's edits (`model.finding.Edit`) name lines of the text that the program had when they were found, in
which other remedies may have been made already.  Here each is kept as what becomes of one line of the
original, so that any of them can be taken out and the others stay where they belong.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from samebits.errors import SamebitsError
from samebits.model.finding import Edit
from samebits.source.source_text import SourceText, unified_diff

_IMPORT: Final = re.compile(r"\s*(?:import|from)\s")


class PatchConflict(SamebitsError):
    """Changes that cannot be made without one that is left out, or that name a line that is not there."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """What becomes of a line: ``old``, which stands where the original's line ``anchor`` (from 0) was."""

    file: str
    anchor: int
    old: str
    new: tuple[str, ...]

    @property
    def adds(self) -> bool:
        """Whether the line itself stays."""
        return self.old in self.new


class Patchwork:
    """The files of a program as they were, and the remedies that were found for them."""

    def __init__(self, read: Callable[[str], SourceText], named: Callable[[str], str] = str) -> None:
        """``read``: a file as it is, by its name.  ``named``: that name, by one that an edit has for it."""
        self._read = read
        self._named = named
        self._texts: dict[str, SourceText] = {}
        self._hunks: dict[int, tuple[Hunk, ...]] = {}

    def original(self, file: str) -> SourceText:
        """A file as it was.

        Raises:
            PatchConflict: it cannot be read.
        """
        if file not in self._texts:
            try:
                self._texts[file] = self._read(file)
            except OSError as error:
                raise PatchConflict(f"{file} cannot be read: {error.strerror or error}") from error
            except ValueError as error:
                raise PatchConflict(f"{file} cannot be changed: {error}") from error
        return self._texts[file]

    def add(self, remedy: int, edits: Iterable[Edit], beside: Collection[int]) -> None:
        """Take in a remedy's edits, which were found while those ``beside`` were made.

        Raises:
            PatchConflict: an edit names a line that is not there, or a file that cannot be changed.
        """
        hunks = []
        groups = {}
        for edit in edits:
            file = self._named(edit.file)
            if file not in groups:
                groups[file] = self._groups(file, beside)
            at = edit.line - 1
            for anchor, group in enumerate(groups[file]):
                if at < len(group):
                    hunks.append(Hunk(file, anchor, group[at], tuple(edit.replacement.split("\n"))))
                    break
                at -= len(group)
            else:
                raise PatchConflict(f"{edit.file} has no line {edit.line}")
        self._hunks[remedy] = tuple(hunks)

    def files(self, remedies: Collection[int]) -> list[str]:
        """The files that these change."""
        return sorted({hunk.file for number in remedies for hunk in self._hunks.get(number, ())})

    def data(self, file: str, remedies: Collection[int]) -> bytes:
        """The bytes of a file with these remedies made.

        Raises:
            PatchConflict: one of them changes what another brought, which is left out; or has characters that
                the file's encoding has not.
        """
        try:
            return self.original(file).data(self._groups(file, remedies))
        except ValueError as error:
            raise PatchConflict(f"{file} cannot be changed: {error}") from error

    def diff(self, remedies: Collection[int]) -> bytes:
        """A unified diff, as `git apply` and `patch -p1` take it, in the files' own encodings; or nothing."""
        return b"".join(line for file in self.files(remedies) for line in self._diff(file, remedies))

    def _diff(self, file: str, remedies: Collection[int]) -> Iterator[bytes]:
        text = self.original(file)
        before = text.data([[line] for line in text.lines])
        yield from unified_diff(file, before, self.data(file, remedies))

    def line(self, file: str, line: int, remedies: Collection[int]) -> int:
        """The line of a file as it was for one of the file with these remedies made."""
        file = self._named(file)
        if file not in self.files(remedies):
            return line
        at = line - 1
        groups = self._groups(file, remedies)
        for anchor, group in enumerate(groups):
            if at < len(group):
                return anchor + 1
            at -= len(group)
        return len(groups)

    def _groups(self, file: str, remedies: Collection[int]) -> list[list[str]]:
        """For each line of the original, the lines that stand there now."""
        own = self.original(file).lines
        groups = [[line] for line in own]
        wanted = [hunk for number, hunks in self._hunks.items() if number in remedies for hunk in hunks]
        for number, hunks in self._hunks.items():
            for hunk in hunks:
                if hunk.file != file:
                    continue
                new = hunk.new if number in remedies else _imports(hunk, wanted)
                if new is not None:
                    _make(groups[hunk.anchor], hunk.old, new, own[hunk.anchor])
        return groups


def _make(group: list[str], old: str, new: tuple[str, ...], own: str) -> None:
    """Put ``new`` in the place of ``old``.

    Where that is not there, and would stay, what is new goes beside the file's own line.
    """
    if old not in group:
        if old not in new or own not in group:
            raise PatchConflict(f"a change of the line {old.strip()!r} needs one that is left out")
        at = new.index(old)
        old, new = own, (*new[:at], own, *new[at + 1 :])
    at = group.index(old)
    group[at : at + 1] = new


def _imports(hunk: Hunk, wanted: Iterable[Hunk]) -> tuple[str, ...] | None:
    """Of a remedy that is left out, the imports whose names the others use; None where there are none."""
    if not hunk.adds:
        return None
    used = "\n".join(line for other in wanted for line in other.new if line != other.old)
    at = hunk.new.index(hunk.old)
    needed = [number != at and uses(used, bound_names(line)) for number, line in enumerate(hunk.new)]
    if not any(needed):
        return None
    return tuple(line for number, line in enumerate(hunk.new) if needed[number] or number == at)


def bound_names(line: str) -> list[str]:
    """The names that a line binds, if it is an import."""
    if not _IMPORT.match(line):
        return []
    try:
        (statement,) = ast.parse(line.strip()).body
    except (SyntaxError, ValueError):
        return []
    names = getattr(statement, "names", [])
    return [(alias.asname or alias.name).partition(".")[0] for alias in names]


def uses(text: str, names: Iterable[str]) -> bool:
    """Whether a text has one of these names, and not as an attribute."""
    return any(re.search(rf"(?<![.\w]){re.escape(name)}\b", text) for name in names)
