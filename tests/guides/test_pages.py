"""The two pages hold what they promise to hold."""

from __future__ import annotations

import re

import pytest

from .pages import CHINESE, CODE, ENGLISH, ROOT, blocks

ROWS = [f"G{number}" for number in range(1, 15)]


def test_both_languages_have_the_same_blocks() -> None:
    """So what is run for one is run for the other, as printed."""
    assert blocks(CHINESE) == blocks(ENGLISH)


@pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_every_row_is_there_once_and_says_what_was_tested(page: object) -> None:
    text = page.read_text("utf-8")  # type: ignore[attr-defined]
    assert re.findall(r"^### (G\d+)\.", text, re.MULTILINE) == ROWS
    sections = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    for section in sections:
        assert re.search(r"^\*(Tested|测试)", section, re.MULTILINE), section[:40]


def test_no_block_is_left_untested() -> None:
    """Every labelled block is run by a test of its row."""
    tests = (ROOT / "tests" / "guides" / "test_rows.py").read_text("utf-8").split("    def test_")
    for row, label in CODE:
        assert any(f'"{row}"' in test and f'"{label}"' in test for test in tests), (row, label)


def test_both_pages_link_to_each_other_and_name_the_guides() -> None:
    links = [re.findall(r"\]\((https?://[^)]+)\)", page.read_text("utf-8")) for page in (ENGLISH, CHINESE)]
    assert "guides.zh.md" in ENGLISH.read_text("utf-8")
    assert "(guides.md)" in CHINESE.read_text("utf-8")
    assert sorted(links[0]) == sorted(links[1])
