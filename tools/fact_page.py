"""Writes docs/reference/facts.md from the classes of `samebits.model.facts`: `python -m tools.fact_page`."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from samebits.model import facts

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "facts.md"

_TOP = """\
# Facts: the evidence a record holds

A fact is a row beside the event stream: `kind`, the user's line (`site`), the position in the
stream, the step, and a `detail` object. This page is written by `python -m tools.fact_page` from the classes
of [`samebits.model.facts`](../../src/samebits/model/facts/). Kinds and the keys of their detail:

| kind | when | detail |
| --- | --- | --- |
"""
_END = """
Every kind may have `count`: the row then stands for so many, of which none is kept by itself.

Values that could be secret are never stored: file contents, environment variables and drawn values
appear as 64-bit digests or not at all. A `path` is kept without what has the form of a key in it, such as
`?token=` of an address; a hexadecimal name of a file is a digest and stays.

A reader checks the type of every field that it knows and refuses the record where one is wrong. A field may
be absent, which is what null means, too; fields and kinds that it does not know are passed over.
"""


def _row(kind: type[facts.Detail]) -> str:
    when, _, rest = (inspect.getdoc(kind) or "").partition("\n\n")
    said = {
        name: re.sub(r"\s+", " ", text).strip()
        for name, text in re.findall(r"(?ms)^(\w+): (.*?)(?=^\w+: |\Z)", rest)
    }
    named = [
        f"`{name}` ({said[name]})" if name in said else f"`{name}`"
        for name in facts.names(kind)
        if name != "count"
    ]
    return f"| `{kind.KIND}` | {when} | {', '.join(named)} |\n"


def page() -> str:
    """The page, in Markdown."""
    return _TOP + "".join(_row(kind) for kind in facts.KINDS.values()) + _END


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
