"""Make one HTML file of runs: curves, where they part, and why.

It opens in any browser, without a network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from samebits.cli._detail import detail, detail_options
from samebits.cli._output import console, json_option, keep_apart, write_json, write_page
from samebits.cli._program import out_option
from samebits.cli._progress import busy
from samebits.cli._report import open_option, opened, page_path
from samebits.cli._runs import place, run_id, verified

ORDER: Final = 45  # of `samebits --help`


@click.command()
@click.argument("runs", metavar="[A B [C ...]]", nargs=-1, shell_complete=run_id)
@click.option(
    "-o",
    "--output",
    "page",
    metavar="PATH",
    default="report.html",
    show_default=True,
    callback=page_path,
    help="The file to write.",
)
@open_option
@out_option
@json_option
@detail_options("Print nothing but errors.", "Say also what the verdict rests on.")
@click.pass_context
def report(
    ctx: click.Context,
    runs: tuple[str, ...],
    page: Path,
    show: bool,
    out: Path,
    json_path: str | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Make one HTML file of two runs or more: the verdict, their curves and differences, and where they part.

    A run is a record, or whatever `samebits compare` reads: a folder, an id, a log. Without any, it is the
    last verification. The file holds all that it shows, and asks for nothing from any network.

    \b
    Examples:
      samebits report
      samebits report 20250102-1 20250102-2 -o report.html --open
      samebits report runs/seed1 runs/seed2 runs/seed3 --json report.json

    Exit code: 0 every bit agrees, 1 the runs diverge, 2 incomplete, not readable, or the command is wrong.
    """
    from samebits.report.build import report_of

    much = detail(quiet, verbose)
    if len(runs) == 1:
        raise click.UsageError(
            "a report needs two runs or more; give another one, or none for the last.", ctx
        )
    names = runs or verified(out)
    places = [place(out, name) for name in names]
    keep_apart(ctx, (page, json_path), [path for path, _ in places])
    with busy("making the report", quiet=quiet):
        document = report_of(places, names)
        write_page(document, page)
    write_json(document, json_path)
    if much != "quiet":
        _say(document, page, json_path, verbose)
    opened(page, show)
    ctx.exit({"same": 0, "within": 0, "diverged": 1}.get(document["word"], 2))


def _say(document: dict[str, Any], page: Path, json_path: str | None, verbose: bool) -> None:
    from samebits._runtime.text import clean
    from samebits.report.terminal import put, widened

    where = widened(console(json_path))
    put(where, f"{document['word'].upper()}  {clean(document['headline'])}", style="bold")
    if verbose:
        put(where, clean(document["rests_on"]))
    put(where, f"report: {clean(str(page))}")
