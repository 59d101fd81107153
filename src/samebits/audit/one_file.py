"""What becomes of one file by itself: its summary, what the rules find in it alone, and its comments.

The result is plain data: files are read in several processes, and a result is kept until the file changes.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from samebits.audit.ignores import Ignores, ignored
from samebits.audit.reading import Source, UnreadableSource, decoded
from samebits.causes import CATALOGUE
from samebits.model.rule import Hit
from samebits.source.summarize import summarize
from samebits.source.summary import Summary


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """One file, audited by itself.

    Attributes:
        summary: None where it could not be read.
        hits: by cause, what its rule found.
        cells: as of a `Source`.
        error: why it could not be read, and the line.
    """

    file: str
    summary: Summary | None = None
    hits: tuple[tuple[str, Hit], ...] = ()
    ignores: Ignores = field(default_factory=lambda: Ignores({}))
    cells: tuple[int, ...] | None = None
    error: tuple[int | None, str] | None = None


def audited(data: bytes, name: str) -> FileOutcome:
    """A file's bytes, audited."""
    try:
        return audited_source(decoded(data, name))
    except UnreadableSource as error:
        return FileOutcome(name, error=(error.line, error.reason))


def audited_source(source: Source, names: Collection[str] | None = None) -> FileOutcome:
    """A text, audited by these rules or by all.

    Raises:
        UnreadableSource: it is not Python.
    """
    module = source.module()
    hits: list[tuple[str, Hit]] = []
    try:
        for cause in CATALOGUE.values():
            if (
                cause.rule is None
                or cause.rule.file is None
                or (names is not None and cause.name not in names)
            ):
                continue
            hits += [(cause.name, hit) for hit in cause.rule.file(module)]
        returning = {hit.returned_by for _, hit in hits if hit.returned_by is not None}
        summary = summarize(module, returning)
    except RecursionError as error:  # an expression of thousands of terms
        reason = "is nested too deeply to be audited"
        raise UnreadableSource(f"{source.file} {reason}.", reason) from error
    return FileOutcome(source.file, summary, tuple(hits), ignored(source.text), source.cells)


@contextmanager
def without_gc() -> Iterator[None]:
    """Trees are made and dropped by the million, and none is a cycle that must be found on the way."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
