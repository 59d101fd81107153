"""The texts of the files that an audit has found something in: read once, and as they are being mended."""

from __future__ import annotations

from collections.abc import Mapping

from samebits.audit.reading import LONGEST, Source, UnreadableSource, decoded
from samebits.model.sites import cell_line
from samebits.source.summary import SourcePlace


class Texts:
    """Files by the names that findings have for them."""

    def __init__(self, given: Mapping[str, bytes] | None = None) -> None:
        """``given``: files that are not read from the disk (an editor's)."""
        self._data: dict[str, bytes | None] = dict(given or {})
        self._sources: dict[str, Source | None] = {}

    def data(self, file: str) -> bytes | None:
        """The bytes of a file, as they were when first asked for; None where it cannot be read."""
        if file not in self._data:
            try:
                with open(file, "rb") as opened:
                    self._data[file] = opened.read(LONGEST + 1)
            except (OSError, ValueError):
                self._data[file] = None
        return self._data[file]

    def put(self, file: str, data: bytes) -> None:
        """From now on the file holds this."""
        self._data[file] = data
        self._sources.pop(file, None)

    def source(self, file: str) -> Source | None:
        """The text of a file, None where it has none."""
        if file not in self._sources:
            data = self.data(file)
            try:
                self._sources[file] = None if data is None else decoded(data, file)
            except UnreadableSource:
                self._sources[file] = None
        return self._sources[file]

    def lines(self, file: str) -> list[str]:
        """The lines of the text; of a notebook those of all its cells of code."""
        source = self.source(file)
        return [] if source is None else source.text.split("\n")

    def line(self, file: str, number: int) -> str:
        """A line of the text, "" where there is none."""
        lines = self.lines(file)
        return lines[number - 1] if 1 <= number <= len(lines) else ""

    def cell(self, file: str, line: int) -> tuple[int | None, int]:
        """The cell of a line, None where the file is no notebook, and the line in there."""
        source = self.source(file)
        if source is None or source.cells is None:
            return None, line
        return cell_line(source.cells, line)

    def where(self, place: SourcePlace) -> tuple[int | None, int, int]:
        """The cell of a place, its first and its last line in there."""
        cell, line = self.cell(place.file, place.line)
        return cell, line, line + place.end_line - place.line
