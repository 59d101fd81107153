"""Text from somewhere else cannot act on what shows it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samebits._runtime.text import clean, letter


@given(st.text(st.characters(), max_size=50), st.booleans())
def test_nothing_acts(text: str, lines: bool) -> None:
    """No control, no change of direction, no half of a pair; and what is plain stays as it is."""
    shown = clean(text, lines=lines)
    allowed = {"\n"} if lines else set()
    assert all(
        unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or one in allowed
        for one in shown
    )
    shown.encode()
    if text.isprintable():
        assert shown == text


@pytest.mark.parametrize(
    ("text", "lines", "shown"),
    [
        ("\x1b[2J", False, r"\x1b[2J"),
        ("a\tb", False, "a b"),
        ("a\tb\n", True, "a    b\n"),
        ("a\r\nb", True, "a\\r\nb"),
        ("a\nb", False, r"a\nb"),
        ("\u202e\u2066\ufeff\u2028\x85", False, r"\u202e\u2066\ufeff\u2028\x85"),
        ("\ud800", False, r"\ud800"),
        ("é 中 🙂", False, "é 中 🙂"),
        (None, False, "None"),
    ],
)
def test_what_is_shown(text: object, lines: bool, shown: str) -> None:
    assert clean(text, lines=lines) == shown


def test_it_is_not_endless() -> None:
    assert clean("x" * 5000) == "x" * 2000 + "..."
    assert clean("x" * 2000) == "x" * 2000


def test_letters() -> None:
    assert [letter(n) for n in (0, 1, 25, 26, 27, 51, 52, 701, 702)] == [
        "A", "B", "Z", "AA", "AB", "AZ", "BA", "ZZ", "AAA",
    ]  # fmt: skip
