"""Runs every rule of the catalogue over one source file.

The text is decoded and parsed as Python itself would (PEP 263), and never run.  What comes out is sorted by
place and the same in every process.
"""

from __future__ import annotations

import ast
import io
import os
import tokenize
import warnings
from pathlib import Path

from samebits.audit.ignores import ignored
from samebits.causes import CATALOGUE
from samebits.errors import UsageError, UsageTypeError
from samebits.model.finding import Finding
from samebits.model.sites import Site


def audit_file(path: str | os.PathLike[str]) -> list[Finding]:
    """What the rules find in one Python file.

    Raises:
        UsageTypeError, UsageError: no path; the file cannot be read, decoded or parsed, and where.
    """
    if not isinstance(path, str | os.PathLike):
        raise UsageTypeError(f"audit_file: the path must be a text or a path, got {path!r}")
    name = str(os.fspath(path))
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as error:  # a ValueError: a null character in the name
        raise UsageError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if b"\0" in data:
        raise UsageError(f"{name} is not Python source: it has null bytes.")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = io.TextIOWrapper(io.BytesIO(data), encoding).read()
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise UsageError(
            f"{name} cannot be decoded: {error}. Save it as UTF-8, or say its encoding in the first line: # "
            "-*- coding: latin-1 -*-"
        ) from error
    return audit_source(text, name)


def audit_source(text: str, filename: str = "<text>") -> list[Finding]:
    """Likewise for the text of a file, which `filename` names in what is found.

    Raises:
        UsageError: the text is not Python.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the source, such as an invalid escape: not what is asked
            tree = ast.parse(text)
    except SyntaxError as error:
        line, column = error.lineno or 1, error.offset or 1
        raise UsageError(f"{filename}:{line}:{column} is not Python: {error.msg}.") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"{filename} cannot be parsed: {str(error) or type(error).__name__}.") from error
    silent = ignored(text)
    lines = text.splitlines(keepends=True) if not text.isascii() else []
    found: set[Finding] = set()
    for cause in CATALOGUE.values():
        if cause.rule is None:
            continue
        try:
            hits = list(cause.rule(tree))
        except RecursionError as error:  # an expression of thousands of terms
            raise UsageError(f"{filename} is nested too deeply to be audited.") from error
        for node, why, fix in hits:
            if not any(
                silent.hides(line, cause.name) for line in {node.lineno, node.end_lineno or node.lineno}
            ):
                column = _column(lines, node.lineno, node.col_offset)
                site = Site(filename, node.lineno, column=column)
                found.add(Finding(1.0, site, why, fix, cause.name))
    return sorted(found, key=_place)


def _place(found: Finding) -> tuple[int, int, str, str]:
    assert found.site is not None
    return found.site.line, found.site.column or 0, found.cause, found.why


def _column(lines: list[str], line: int, offset: int) -> int:
    """From 1 in characters, of `ast`'s offset in bytes of UTF-8."""
    if line <= len(lines):
        offset = len(lines[line - 1].encode()[:offset].decode(errors="replace"))
    return offset + 1
