"""`--report` and `--open`: where a report is written, and showing it in the browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from samebits.cli._output import checked_path, write_page
from samebits.cli.main import say

if TYPE_CHECKING:
    from samebits.cli._output import Result
    from samebits.compare.verdict import Verdict

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


def report_options(function: _Decorated) -> _Decorated:
    """`--report PATH` and `--open`, of a command that runs a program several times."""
    function = open_option(function)
    return click.option(
        "--report", "page", metavar="PATH", callback=page_path, help="Also write a report: one HTML file."
    )(function)


def trials_report(
    result: Result,
    headline: str,
    verdict: Verdict | None,
    out: Path,
    page: Path | None,
    *,
    show: bool,
    quiet: bool,
) -> None:
    """Write the report of cure, stress or resume, if asked, and show it.

    Raises:
        click.ClickException: it cannot be written.
    """
    if page is None:
        return
    from samebits._runtime.text import clean
    from samebits.report.build import report_of_trials

    write_page(report_of_trials(result.as_json(), verdict, out, headline), page)
    if not quiet:
        click.echo(f"report: {clean(str(page))}", err=True)
    opened(page, show)


def asked_for(page: Path | None, show: bool, ctx: click.Context) -> None:
    """That `--open` has something to show.

    Raises:
        click.UsageError: it has not.
    """
    if show and page is None:
        raise click.UsageError("--open shows a report; give --report report.html, too.", ctx)


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
