"""The rules on a terminal: all of them in a table, or the page of one."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from samebits.model.cause import Cause
from samebits.report.terminal import code, put, widened

_PIPE_WIDTH = 120


def print_rules(causes: Iterable[Cause], console: Console | None = None) -> None:
    """One line a rule."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "in short", "in source", "in runs"):
        table.add_column(column, overflow="fold")
    for cause in causes:
        table.add_row(
            cause.name, cause.title, Text(seen_in_source(cause)), "yes" if cause.match is not None else "no"
        )
    console = console or Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    console.print(table)


def seen_in_source(cause: Cause) -> str:
    """Whether an audit finds it: "yes", "fragile", "with --select", "no"."""
    if cause.rule is None:
        return "no"
    words = [
        *(["fragile"] if cause.rule.fragile else []),
        *([] if cause.rule.selected else ["with --select"]),
    ]
    return ", ".join(words) or "yes"


def print_rule(cause: Cause, safety: str, console: Console | None = None) -> None:
    """The page of one rule."""
    console = widened(console)
    put(console, Text.assemble((cause.name, "bold yellow"), f"  {cause.title}"))
    put(console, f"in source: {seen_in_source(cause)}; in runs: {'yes' if cause.match is not None else 'no'}")
    _prose(console, "What it does", cause.what)
    _prose(console, "Why it breaks runs", cause.why)
    _snippets(console, "Example", cause.invalid)
    _snippets(console, "Use instead", cause.valid)
    _head(console, "In short")
    code(console, cause.fix, 2)
    _prose(console, "Fix safety", safety)
    _head(console, "References")
    for link in cause.sources:
        console.print(Text(f"  {link}"), highlight=False, soft_wrap=True, no_wrap=True)


def _head(console: Console, text: str) -> None:
    console.print()
    put(console, text, style="bold")


def _prose(console: Console, head: str, text: str) -> None:
    _head(console, head)
    put(console, text.replace("`", ""), 2)


def _snippets(console: Console, head: str, snippets: Iterable[str]) -> None:
    for number, snippet in enumerate(snippets):
        if number == 0:
            _head(console, head)
        else:
            console.print()
        code(console, snippet, 2)
