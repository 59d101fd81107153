"""A notebook's card: everything in it is text, whoever wrote it."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from samebits._runtime.markup import card
from samebits.compare.verdict import Verdict
from samebits.manifest.manifest import Manifest
from samebits.record.run import Run

HOSTILE = "</td><script>x</script><img src=x onerror=y>\x1b[2J\u202e\ud800"


class Tags(HTMLParser):
    """The tags of some HTML, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        assert {name for name, _ in attrs} <= {"style"}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(html: str) -> Tags:
    found = Tags()
    found.feed(html)
    found.close()
    assert found.open == []
    assert set(found.tags) <= {"div", "b", "table", "tr", "th", "td", "pre"}
    html.encode()
    return found


def manifest(folder: Path) -> object:
    return Manifest({"a": {HOSTILE: HOSTILE}, "b": [1, {"c": None}]})


def verdict(folder: Path) -> object:
    return Verdict("incomplete", (HOSTILE,), reason=HOSTILE, compared=HOSTILE, notes=(HOSTILE,))


def run(folder: Path) -> object:
    return Run(folder, {"argv": [HOSTILE], "status": HOSTILE, "created": HOSTILE, "id": HOSTILE}, {})


@pytest.mark.parametrize("make", [manifest, verdict, run])
def test_hostile_text_is_text(tmp_path: Path, make: Callable[[Path], object]) -> None:
    shown = parsed(make(tmp_path)._repr_html_())  # type: ignore[attr-defined]
    assert r"</td><script>x</script><img src=x onerror=y>\x1b[2J\u202e\ud800" in shown.text


def test_a_card() -> None:
    shown = parsed(card("same", "all <b>", [("label", 3)], "x < y\n  z"))
    assert shown.text == "SAME\u2002all <b>label3x < y\n  z"
    assert parsed(card("run", "", [])).tags == ["div", "div", "b", "b"]
