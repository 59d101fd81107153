"""The very bytes of a file: encoding, mark, line ends, and a last line with or without an end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits.trials.cure.source_text import SourceText

LINES = st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), max_size=8)


@given(LINES, st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_is_not_changed_has_the_bytes_it_had(lines: list[str], end: str, mark: bool) -> None:
    data = (b"\xef\xbb\xbf" if mark else b"") + end.join(["# -", *lines]).encode()
    try:
        text = SourceText.of(data)
    except ValueError:
        return  # no Python source, such as a second mark or a cookie of another encoding
    assert text.data([[line] for line in text.lines]) == data


def test_new_lines_end_as_the_line_in_whose_place_they_stand() -> None:
    text = SourceText.of(b"a = 1\r\nb = 2\nc = 3")
    assert text.data([["a = 1", "x"], ["y", "b = 2"], ["c = 3"]]) == b"a = 1\r\nx\r\ny\nb = 2\nc = 3"


def test_after_a_last_line_without_an_end_there_is_none_either() -> None:
    assert SourceText.of(b"a\r\nb").data([["a"], ["b", "c"]]) == b"a\r\nb\r\nc"


def test_the_encoding_that_the_file_names_is_kept() -> None:
    data = "# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1")
    text = SourceText.of(data)
    assert text.lines[1] == "name = 'é'"
    assert text.data([[line] for line in text.lines]) == data
    with pytest.raises(ValueError, match=r"its encoding \(iso-8859-1\) has no '‽'"):
        text.data([[text.lines[0], "x = '‽'"], [text.lines[1]], [""]])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"a = 1\rb = 2\n", "line ends of an old kind"),
        (b"a = '\xff'\n", "cannot be read as Python source"),
        (b"# coding: no-such\n", "cannot be read as Python source"),
    ],
)
def test_what_cannot_be_changed_safely_is_refused(data: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_bytes(data)
    with pytest.raises(ValueError, match=why):
        SourceText.read(tmp_path / "train.py")
