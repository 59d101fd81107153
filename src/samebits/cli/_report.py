"""`--report` and `--open`: where a report is written, and showing it in the browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from samebits.cli._output import checked_path
from samebits.cli.main import say

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])
_ENDINGS = (".html", ".htm")


def page_path(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Path | None:
    """Refuse before the work what could not be written after it."""
    if value is None:
        return None
    if Path(value).suffix.lower() not in _ENDINGS:
        raise click.BadParameter(
            f"{value!r} does not end with .html; a report is a page. Its content as JSON: --json PATH.",
            ctx,
            parameter,
        )
    checked_path(ctx, parameter, value)
    return Path(value)


def open_option(function: _Decorated) -> _Decorated:
    """`--open`."""
    return click.option("--open", "show", is_flag=True, help="Show the report in the browser.")(function)


def opened(page: Path, show: bool) -> None:
    """Show it, if asked; where there is no browser, say so: the file is there all the same."""
    if not show:
        return
    import webbrowser

    try:
        done = webbrowser.open(page.absolute().as_uri())
    except (webbrowser.Error, OSError, ValueError):
        done = False
    if not done:
        say(f"no browser could be opened; the report is {page}")
