"""Paths in a program's words and variables: as they are in a mirror, and which files they name."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from samebits.launch.mirror_links import Links, is_below

#: Before a path in a word: nothing, what separates, a scheme (a database's has one slash more), `-o`.
_BEFORE: Final = r"(?:(?<![^=:,;|&<>\s\"'`()\[\]{}@])|(?<=://)|(?<=:///)|(?<=^-\w))"
#: After a folder's path.
_AFTER: Final = r"(?=[/:,;|&<>\s\"'`()\[\]{}?#]|$)"
#: Variables that say where tools and the user's own things are, or that samebits sets.
_STAY: Final = re.compile(
    r"HOME|PATH|OLDPWD|VIRTUAL_ENV|SHELL|_|TMPDIR|TEMP|TMP|(?:CONDA|XDG|LD|DYLD|SAMEBITS|PYENV|UV)_?.*"
)
#: What may be a path in a command, and how large a file is that is copied for one.
_NAMES: Final = re.compile(r"[^\s'\"<>|&;()=:]+")
_LARGEST: Final = 64 << 20


class Words:
    """Translates texts that hold paths into folders that are mirrored."""

    def __init__(self, folder: str, roots: Mapping[str, str], environments: Iterable[str]) -> None:
        """``roots``: each way to write the path of a mirrored folder -> its path in the mirror's folder.

        The programs of ``environments`` are started from there, not from the mirror: a Python knows its
        packages by its path, and samebits by these which observer is built for it.
        """
        self._folder = folder
        self._roots = dict(roots)
        self._programs = tuple(os.path.join(each, "bin") for each in environments)
        ways = sorted(roots, key=len, reverse=True)
        self._pattern = re.compile(f"{_BEFORE}(?:{'|'.join(map(re.escape, ways))}){_AFTER}")

    def translated(self, text: str) -> str:
        """A text with the paths in it that lead into the folders as they are in the mirror."""
        return self._pattern.sub(self._path, text)

    def _path(self, match: re.Match[str]) -> str:
        rest = match.string[match.start() :]
        if any(re.match(re.escape(each) + _AFTER, rest) for each in self._programs):
            return match[0]
        return self._roots[match[0]]

    def words(self, words: Sequence[str]) -> list[str]:
        """A program's words; a program of an environment that has a relative path gets its own."""
        return [self._word(word) for word in words]

    def _word(self, word: str) -> str:
        if os.sep in word and not os.path.isabs(word):
            path = os.path.normpath(os.path.join(self._folder, word))
            if any(is_below(path, each) for each in self._programs) and os.path.isfile(path):
                return path
        return self.translated(word)

    def variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Those of the environment variables that are others in the mirror."""
        moved = {name: self.translated(value) for name, value in environ.items() if not _STAY.fullmatch(name)}
        return {name: value for name, value in moved.items() if value != environ[name]}


def own_named(links: Links, words: Sequence[str], folder: str) -> None:
    """Copy the files of a mirror that a command names: nobody sees what is no Python write to them.

    Raises:
        OSError: one could not be copied.
    """
    if not words or os.path.basename(words[0]).startswith("python"):
        return  # it copies what it writes to by itself
    for word in words:
        names = {word, word.partition("=")[2], *_NAMES.findall(word)}
        parts = shlex.shlex(word, posix=True, punctuation_chars=True)
        parts.whitespace_split = True
        with suppress(ValueError):  # it is no shell's
            names |= set(parts)
        for path in sorted(os.path.join(folder, name) for name in names if "\0" not in name):
            if links.holds(path) and os.path.isfile(path) and os.path.getsize(path) <= _LARGEST:
                links.own(path)
