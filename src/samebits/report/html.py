"""A report as one HTML file: it opens at once, without a network, a server or anything installed.

The document (docs/reference/report.md) goes in as it is, as JSON that nothing executes; the files beside
this one in `page/` draw it in the browser.  Everything in it is text from somewhere else and may be hostile.
So the JSON holds no character that could end its block, the page allows itself exactly the scripts and styles
that are in it, by their hashes, and it may load nothing.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from samebits._runtime.text import clean

_FILES: Final = resources.files("samebits.report") / "page"
_STYLES: Final = ("uplot/uPlot.min.css", "page.css")
#: In this order: each file uses what those before it define.
_SCRIPTS: Final = (
    "uplot/uPlot.iife.min.js",
    "text.js",
    "values.js",
    "theme.js",
    "axis.js",
    "plots.js",
    "chart.js",
    "lanes.js",
    "heat.js",
    "operations.js",
    "panels.js",
    "document.js",
    "evidence.js",
    "page.js",
)
#: Characters that could end the block of JSON, or be read as markup; all of them stand in strings alone.
_ESCAPES: Final = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})


def page(document: Mapping[str, Any]) -> str:
    """The whole file for a report's document.

    Raises:
        ValueError: if the document holds an infinity or NaN as a number; they are text in it.
    """
    word, headline = clean(document["word"]), clean(document["headline"])
    fields = {
        **_frame(),
        "without-script": html.escape(f"{word.upper()}  {headline}"),
        "document": _data(document),
    }
    return re.sub(r"\{\{([a-z-]+)\}\}", lambda field: fields[field[1]], _text("page.html"))


def _data(document: Mapping[str, Any]) -> str:
    """ASCII, so that what is no character at all (half a surrogate pair) can be written to a file too."""
    return json.dumps(document, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)


@cache
def _frame() -> dict[str, str]:
    """All that is the same in every page: styles, scripts, and the policy that allows them."""
    styles = [_text(name) for name in _STYLES]
    scripts = [_text(name) for name in _SCRIPTS]
    scripts[0] = f"/*!\n{_text('uplot/LICENSE').strip()}\n*/\n{scripts[0]}"
    policy = (
        "default-src 'none'",
        f"script-src {_hashes(scripts)}",
        f"style-src {_hashes(styles)}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return {
        "policy": "; ".join(policy),
        "styles": "\n".join(f"<style>{style}</style>" for style in styles),
        "scripts": "\n".join(f"<script>{script}</script>" for script in scripts),
    }


def _hashes(blocks: Iterable[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(block.encode()).digest()) for block in blocks)
    return " ".join(f"'sha256-{digest.decode()}'" for digest in digests)


def _text(name: str) -> str:
    return _FILES.joinpath(name).read_text("utf-8")
