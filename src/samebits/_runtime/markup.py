"""A result as a few lines of HTML, for notebooks: no script, no style sheet, the notebook's own colours."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final

from samebits._runtime.text import clean

#: Colour of a word: read on white and on black.
_COLOURS: Final = {
    "same": "#1a8754",
    "within": "#1a8754",
    "diverged": "#d0362b",
    "failed": "#b0489b",
    "incomplete": "#b07a00",
}
_BAR: Final = "border-left:3px solid {colour};padding:2px 0 2px 10px;margin:4px 0"
_TEXT: Final = "text-align:left;vertical-align:top;overflow-wrap:anywhere"
_LABEL: Final = f"{_TEXT};padding:1px 12px 1px 0;font-weight:normal;opacity:.65"
_CELL: Final = f"{_TEXT};padding:1px 0;white-space:pre-wrap"


def card(word: str, line: str, rows: Iterable[tuple[str, object]], code: str = "") -> str:
    """A word, a line, rows of a label and a text, and some source: everything is shown as text."""
    colour = _COLOURS.get(word, "currentColor")
    parts = [
        f'<div style="{_BAR.format(colour=colour)}"><div><b style="color:{colour}">{_shown(word).upper()}</b>'
        f"&ensp;<b>{_shown(line)}</b></div>"
    ]
    cells = [
        f'<tr><th style="{_LABEL}">{_shown(label)}</th><td style="{_CELL}">{_shown(text)}</td></tr>'
        for label, text in rows
    ]
    if cells:
        parts.append(f'<table style="border:0;margin:2px 0">{"".join(cells)}</table>')
    if code:
        parts.append(f'<pre style="margin:2px 0">{escape(clean(code, lines=True))}</pre>')
    return "".join([*parts, "</div>"])


def _shown(text: object) -> str:
    return escape(clean(text))
