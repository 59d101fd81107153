"""Makes changes of whole lines in a source file's bytes, and leaves every other byte as it is.

Python's idea of a line counts: it ends with a line feed, a carriage return or both, and with nothing else.
"""

from __future__ import annotations

import codecs
import io
import re
import tokenize
from collections.abc import Mapping
from typing import Final

_LINE: Final = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|\Z)")
_BOM: Final = b"\xef\xbb\xbf"


class WrongLine(ValueError):
    """A change that cannot be made; says why, of a file."""


def edited(data: bytes, replacements: Mapping[int, str]) -> bytes:
    """A file's bytes with lines replaced; they are counted from 1, and a new text may have several.

    New lines end as the one that they replace, or as the first of the file if that has no end, and are in
    the file's encoding.

    Raises:
        WrongLine: there is no such line, or the new text is not in the file's encoding.
    """
    encoding = _encoding(data)
    lines = [(match[1], match[2]) for match in _LINE.finditer(data)]
    if lines[-1] == (b"", b""):
        lines.pop()  # behind the last end
    usual = next((end for _, end in lines if end), b"\n")
    parts = []
    for number, (text, end) in enumerate(lines, 1):
        if number not in replacements:
            parts += [text, end]
            continue
        try:
            new = [line.encode(encoding) for line in replacements[number].split("\n")]
        except UnicodeEncodeError as e:
            raise WrongLine(f"has the encoding {encoding}, which the new line {number} cannot have") from e
        mark = _BOM if number == 1 and data.startswith(_BOM) else b""
        parts += [mark, (end or usual).join(new), end]
    for number in replacements:
        if not 1 <= number <= len(lines):
            raise WrongLine(f"has no line {number}: it has {len(lines)}")
    made = b"".join(parts)
    if _encoding(made) != encoding:
        raise WrongLine(f"would no longer say that its encoding is {encoding}")
    return made


def _encoding(data: bytes) -> str:
    try:
        found = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except (SyntaxError, ValueError) as e:
        raise WrongLine(f"has no encoding that Python knows: {e}") from e
    return "utf-8" if found == "utf-8-sig" else codecs.lookup(found).name
