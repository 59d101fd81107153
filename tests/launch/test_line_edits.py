"""Lines of a file's bytes are replaced, and every other byte stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.launch.line_edits import WrongLine, edited


@pytest.mark.parametrize(
    ("data", "replacements", "made"),
    [
        (b"a\nb\nc\n", {2: "x"}, b"a\nx\nc\n"),
        (b"a\r\nb\r\n", {1: "x\ny"}, b"x\r\ny\r\nb\r\n"),
        (b"a\rb\rc", {2: "x\ny"}, b"a\rx\ry\rc"),
        (b"a\nb\r\nc\n", {2: "x\ny", 1: "z\nw"}, b"z\nw\nx\r\ny\r\nc\n"),
        (b"a\r\nb", {2: "x\ny"}, b"a\r\nx\r\ny"),
        (b"a", {1: "x\ny"}, b"x\ny"),
        (b"a\n\nc\n", {2: "x"}, b"a\nx\nc\n"),
        (b"a\n", {1: ""}, b"\n"),
        (b"a\x0c\x1c\xe2\x80\xa8b\nc\n", {2: "x"}, b"a\x0c\x1c\xe2\x80\xa8b\nx\n"),
        (b"\xef\xbb\xbfa\nb\n", {1: "ü"}, b"\xef\xbb\xbf\xc3\xbc\nb\n"),
        (b"\xef\xbb\xbfa\nb\n", {2: "ü"}, b"\xef\xbb\xbfa\n\xc3\xbc\n"),
        (b"# coding: latin-1\n\xe9\nb\n", {3: "é"}, b"# coding: latin-1\n\xe9\n\xe9\n"),
        (b"# coding: latin-1\n\xe9\n", {1: "# coding: latin1\nx"}, b"# coding: latin1\nx\n\xe9\n"),
        (b"#!x\n# coding: cp1252\n\x80\n", {1: "#!y"}, b"#!y\n# coding: cp1252\n\x80\n"),
    ],
)
def test_lines_are_replaced(data: bytes, replacements: dict[int, str], made: bytes) -> None:
    assert edited(data, replacements) == made


@pytest.mark.parametrize(
    ("data", "replacements", "why"),
    [
        (b"", {1: "x"}, "has no line 1: it has 0"),
        (b"a\n", {2: "x"}, "has no line 2: it has 1"),
        (b"a\nb", {0: "x", 1: "y"}, "has no line 0: it has 2"),
        (b"a\n", {-1: "x"}, "has no line -1: it has 1"),
        (b"# coding: ascii\na\n", {2: "é"}, "has the encoding ascii, which the new line 2 cannot have"),
        (b"# coding: latin-1\ne\n", {1: "x"}, "would no longer say that its encoding is iso8859-1"),
        (b"\xff\n", {1: "x"}, "has no encoding that Python knows"),
        (b"# coding: nonsense\n", {1: "x"}, "has no encoding that Python knows"),
    ],
)
def test_what_cannot_be_replaced(data: bytes, replacements: dict[int, str], why: str) -> None:
    with pytest.raises(WrongLine, match=why):
        edited(data, replacements)


_TEXT = st.text(st.characters(exclude_characters="\r\n", codec="utf-8"))
_LINES = st.lists(st.tuples(_TEXT, st.sampled_from(["\n", "\r\n", "\r"])), min_size=1)


@given(_LINES, st.booleans(), st.data())
def test_all_else_stays(lines: list[tuple[str, str]], closed: bool, data: st.DataObject) -> None:
    """Whatever lines there are: replaced by themselves the file is what it was."""
    text = "".join(line + end for line, end in lines)
    if not closed and lines[-1][0]:
        text = text[: -len(lines[-1][1])]
    number = data.draw(st.integers(1, len(lines)))
    try:
        made = edited(text.encode(), {number: lines[number - 1][0]})
    except WrongLine:  # a comment names another encoding, or the first line is no text
        return
    assert made == text.encode()
