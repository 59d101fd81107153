"""Writes the page of every cause: `python -m tools.cause_pages DIRECTORY` (docs/causes).

The pages are made from the files of the catalogue, so that what the documentation says of a cause and
what a verdict says cannot differ.  With `--check` nothing is written, and a page that is not up to date is
an error.
"""

from __future__ import annotations

import sys
from pathlib import Path

from samebits.causes import CATALOGUE
from samebits.model.cause import Cause


def _code(snippet: str) -> str:
    return f"```python\n{snippet.rstrip()}\n```\n"


def _seen(cause: Cause) -> str:
    """Who finds it."""
    finders = []
    if cause.match is not None:
        finders.append("`samebits verify`, by what two runs did")
    if cause.rule is not None:
        asked = "" if cause.rule.selected else ", where it is asked for (`--select`)"
        finders.append(f"`samebits audit`, in source{asked}")
    fragile = cause.rule is not None and cause.rule.fragile
    end = (
        " What it finds in source repeats as it is, and no longer after an unrelated change."
        if fragile
        else ""
    )
    return f"Found by {' and '.join(finders)}.{end}"


def page(cause: Cause) -> str:
    """The page of one cause, in Markdown."""
    examples = "\n".join(_code(snippet) for snippet in cause.invalid)
    mended = "\n".join(_code(snippet) for snippet in cause.valid)
    links = "\n".join(f"- <{link}>" for link in cause.sources)
    return (
        f"# {cause.title} (`{cause.name}`)\n\n{_seen(cause)}\n\n"
        f"## What it does\n\n{cause.what}\n\n"
        f"## Why it breaks runs\n\n{cause.why}\n\n"
        f"## Example\n\n{examples}\n"
        f"## Use instead\n\n{mended}\nIn short:\n\n{_code(cause.fix)}\n"
        f"## References\n\n{links}\n"
    )


def _yes(there: object) -> str:
    return "" if there is None else "yes"


def index() -> str:
    """The list of all causes."""
    rows = "\n".join(
        f"| [`{name}`]({name}.md) | {cause.title} | {_yes(cause.match)} | {_yes(cause.rule)} |"
        for name, cause in CATALOGUE.items()
    )
    return (
        "# Causes\n\nWhy two runs of one program diverge, by the names that a verdict and an audit use. "
        "These pages are written by `python -m tools.cause_pages docs/causes`.\n\n"
        f"| name | in short | seen in runs | in source |\n| --- | --- | --- | --- |\n{rows}\n"
    )


def pages() -> dict[str, str]:
    """File name -> text of every page."""
    return {"index.md": index()} | {f"{name}.md": page(cause) for name, cause in CATALOGUE.items()}


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    folders = [argument for argument in arguments if argument != "--check"]
    if len(folders) != 1:
        print("usage: python -m tools.cause_pages [--check] DIRECTORY", file=sys.stderr)
        return 2
    folder = Path(folders[0])
    stale = []
    for name, text in pages().items():
        path = folder / name
        if check:
            if not path.is_file() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
            continue
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if stale:
        print(
            f"not up to date: {', '.join(stale)}; run python -m tools.cause_pages {folder}", file=sys.stderr
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
