"""A source file as lines, and back to the very bytes: encoding, mark, line ends and the last line stay."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SourceText:
    """The lines of a file without their ends, and what else its bytes hold.

    Attributes:
        lines: as Python counts them.
        ends: of each line "\\r" or "", what comes before its line feed.
        encoding: as Python reads the file; "utf-8-sig" where it begins with a mark.
    """

    lines: tuple[str, ...]
    ends: tuple[str, ...]
    encoding: str

    @classmethod
    def of(cls, data: bytes) -> SourceText:
        """Raises ValueError: it is no Python source, or has line ends that only some programs count."""
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
            text = data.decode(encoding)
        except (SyntaxError, UnicodeDecodeError) as error:
            raise ValueError(f"it cannot be read as Python source: {error}") from None
        lines = text.split("\n")
        ends = tuple("\r" if line.endswith("\r") else "" for line in lines)
        bare = tuple(line.removesuffix("\r") for line in lines)
        if any("\r" in line for line in bare):
            raise ValueError("it has line ends of an old kind (CR)")
        found = cls(bare, ends, encoding)
        if found.data([[line] for line in bare]) != data:
            raise ValueError(f"its encoding ({encoding}) does not give its bytes back")
        return found

    @classmethod
    def read(cls, path: Path) -> SourceText:
        """Raises OSError, ValueError."""
        return cls.of(path.read_bytes())

    def data(self, groups: Sequence[Sequence[str]]) -> bytes:
        """The bytes of a file in which lines stand in the place of each line.

        Raises:
            ValueError: a new line has a character that the file's encoding has not.
        """
        lines = []
        last = len(self.lines) - 1
        for number, (group, end) in enumerate(zip(groups, self.ends, strict=True)):
            # A last line without an end has none, and lines that come after it end as the others do.
            added = end or (self.ends[0] if number == last else "")
            lines += [line + (end if place == len(group) - 1 else added) for place, line in enumerate(group)]
        try:
            text = "\n".join(lines)
            return text.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise ValueError(f"its encoding ({self.encoding}) has no {error.object[error.start]!r}") from None
