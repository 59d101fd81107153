"""What becomes of one file by itself: its summary, what the rules find in it alone, and its comments.

The result is plain data: files are read in several processes, and a result is kept until the file changes.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from samebits.audit.ignores import Ignores, ignored
from samebits.audit.reading import Source, UnreadableSource, decoded
from samebits.causes import CATALOGUE
from samebits.model.rule import Hit
from samebits.source.summarize import summarize
from samebits.source.summary import Summary

#: How deep a file may be nested that is too deep for Python as it is, and the stack that it takes.
_DEEPEST: Final = 7000
_STACK: Final = 128 << 20


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """One file, audited by itself.

    Attributes:
        summary: None where it could not be read.
        hits: by cause, what its rule found.
        cells: as of a `Source`.
        error: why it could not be read, and the line.
        left_out: as of a `Source`.
    """

    file: str
    summary: Summary | None = None
    hits: tuple[tuple[str, Hit], ...] = ()
    ignores: Ignores = field(default_factory=lambda: Ignores({}))
    cells: tuple[int, ...] | None = None
    error: tuple[int | None, str] | None = None
    left_out: tuple[tuple[int, str], ...] = ()


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
    try:
        return _audited(source, names)
    except UnreadableSource as error:
        if not isinstance(error.__cause__, RecursionError):
            raise
    with _deeper(), ThreadPoolExecutor(1) as thread:
        return thread.submit(_audited, source, names).result()


@contextmanager
def _deeper() -> Iterator[None]:
    """While it lasts, Python may go deeper, in threads that have the stack for it.

    A sum of thousands of terms needs that.  Far more would be found only after minutes.
    """
    limit, size = sys.getrecursionlimit(), threading.stack_size(_STACK)
    sys.setrecursionlimit(max(limit, _DEEPEST))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)


def _audited(source: Source, names: Collection[str] | None) -> FileOutcome:
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
    comments = ignored(source.text)
    return FileOutcome(source.file, summary, tuple(hits), comments, source.cells, left_out=source.left_out)


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
