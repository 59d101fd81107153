"""A source file as lines, and back to the very bytes: encoding, mark, line ends and the last line stay.

Python's idea of a line counts: it ends with a line feed, a carriage return or both, and with nothing else.
"""

from __future__ import annotations

import codecs
import difflib
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LINE: Final = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")


@dataclass(frozen=True, slots=True)
class SourceText:
    """The lines of a file without their ends, and what else its bytes hold.

    Attributes:
        lines: as Python counts them.
        ends: of each line; that of the last one may be empty.
        encoding: as Python reads the file; "utf-8-sig" where it begins with a mark.
    """

    lines: tuple[str, ...]
    ends: tuple[str, ...]
    encoding: str

    @classmethod
    def of(cls, data: bytes) -> SourceText:
        """What a file's bytes are.

        Raises:
            ValueError: they are no Python source, or cannot be given back.
        """
        try:
            encoding = _encoding(data)
            text = data.decode(encoding)
        except (SyntaxError, UnicodeDecodeError) as error:
            raise ValueError(f"it cannot be read as Python source: {error}") from None
        found = [(match[1], match[2]) for match in _LINE.finditer(text)]
        if found[-1] == ("", ""):
            found.pop()  # behind the last end
        made = cls(tuple(line for line, _ in found), tuple(end for _, end in found), encoding)
        if made.data([[line] for line in made.lines]) != data:
            raise ValueError(f"its encoding ({encoding}) does not give its bytes back")
        return made

    @classmethod
    def read(cls, path: Path) -> SourceText:
        """A file.

        Raises:
            OSError: it cannot be read.
            ValueError: as `of`.
        """
        return cls.of(path.read_bytes())

    def data(self, groups: Sequence[Sequence[str]]) -> bytes:
        """The bytes of a file in which lines stand in the place of each line.

        New lines end as the one in whose place they stand; where that has no end, as the first of the file.

        Raises:
            ValueError: a new line has a character that the file's encoding has not, or takes the place of the
                line that names the encoding.
        """
        usual = next((end for end in self.ends if end), "\n")
        text = "".join(
            (end or usual).join(group) + (end if group else "")
            for group, end in zip(groups, self.ends, strict=True)
        )
        try:
            data = text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise ValueError(f"its encoding ({self.encoding}) has no {error.object[error.start]!r}") from None
        try:
            stays = _encoding(data) == self.encoding
        except SyntaxError:
            stays = False
        if not stays:
            raise ValueError(f"it would no longer say that its encoding is {self.encoding}")
        return data


def _encoding(data: bytes) -> str:
    found = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    return found if found == "utf-8-sig" else codecs.lookup(found).name


def unified_diff(file: str, before: bytes, after: bytes) -> Iterator[bytes]:
    """What changes, line by line, as `git apply` and `patch -p1` take it, in the file's own encoding."""
    name = file.lstrip("/") + ("\t" if " " in file else "")  # the tab says where the name ends
    old, new = f"a/{name}".encode(errors="surrogateescape"), f"b/{name}".encode(errors="surrogateescape")
    for line in difflib.diff_bytes(difflib.unified_diff, _ended(before), _ended(after), old, new):
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"


def _ended(data: bytes) -> list[bytes]:
    """The lines of a file with their line feeds."""
    *lines, last = data.split(b"\n")
    return [line + b"\n" for line in lines] + ([last] if last else [])
