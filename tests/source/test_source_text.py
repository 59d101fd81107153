"""The very bytes of a file: encoding, mark, line ends, and a last line with or without an end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.source.source_text import SourceText

TEXT = st.text(st.characters(exclude_characters="\r\n", codec="utf-8"))
LINES = st.lists(st.tuples(TEXT, st.sampled_from(["\n", "\r\n", "\r"])), min_size=1)


def changed(data: bytes, number: int, new: str) -> bytes:
    text = SourceText.of(data)
    groups = [[line] for line in text.lines]
    groups[number - 1] = new.split("\n")
    return text.data(groups)


@given(LINES, st.booleans(), st.booleans())
def test_what_is_not_changed_has_the_bytes_it_had(
    lines: list[tuple[str, str]], closed: bool, mark: bool
) -> None:
    text = "".join(line + end for line, end in lines)
    if not closed and lines[-1][0]:
        text = text[: -len(lines[-1][1])]
    data = (b"\xef\xbb\xbf" if mark else b"") + text.encode()
    try:
        found = SourceText.of(data)
    except ValueError:
        return  # a comment names another encoding, or the first line is no text
    assert found.data([[line] for line in found.lines]) == data


@pytest.mark.parametrize(
    ("data", "number", "new", "made"),
    [
        (b"a\nb\nc\n", 2, "x", b"a\nx\nc\n"),
        (b"a\r\nb\r\n", 1, "x\ny", b"x\r\ny\r\nb\r\n"),
        (b"a\rb\rc", 2, "x\ny", b"a\rx\ry\rc"),
        (b"a\nb\r\nc\n", 2, "x\ny", b"a\nx\r\ny\r\nc\n"),
        (b"a\r\nb", 2, "x\ny", b"a\r\nx\r\ny"),
        (b"a", 1, "x\ny", b"x\ny"),
        (b"a\n\nc\n", 2, "x", b"a\nx\nc\n"),
        (b"a\n", 1, "", b"\n"),
        (b"a\x0c\x1c\xe2\x80\xa8b\nc\n", 2, "x", b"a\x0c\x1c\xe2\x80\xa8b\nx\n"),
        (b"\xef\xbb\xbfa\nb\n", 1, "ü", b"\xef\xbb\xbf\xc3\xbc\nb\n"),
        (b"\xef\xbb\xbfa\nb\n", 2, "ü", b"\xef\xbb\xbfa\n\xc3\xbc\n"),
        (b"# coding: latin-1\n\xe9\nb\n", 3, "é", b"# coding: latin-1\n\xe9\n\xe9\n"),
        (b"# coding: latin-1\n\xe9\n", 1, "# coding: latin1\nx", b"# coding: latin1\nx\n\xe9\n"),
        (b"#!x\n# coding: cp1252\n\x80\n", 1, "#!y", b"#!y\n# coding: cp1252\n\x80\n"),
    ],
)
def test_lines_are_replaced(data: bytes, number: int, new: str, made: bytes) -> None:
    assert changed(data, number, new) == made


@pytest.mark.parametrize(
    ("data", "number", "new", "why"),
    [
        (b"# coding: ascii\na\n", 2, "é", r"its encoding \(ascii\) has no 'é'"),
        (b"# coding: latin-1\ne\n", 1, "x", "would no longer say that its encoding is iso8859-1"),
        (b"#!x\n# coding: latin-1\ne\n", 1, "a\nb", "would no longer say that its encoding is iso8859-1"),
        (b"a = '\xff'\n", 1, "x", "cannot be read as Python source"),
        (b"# coding: no-such\n", 1, "x", "cannot be read as Python source"),
    ],
)
def test_what_cannot_be_changed_safely_is_refused(
    data: bytes, number: int, new: str, why: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=why):
        changed(data, number, new)
