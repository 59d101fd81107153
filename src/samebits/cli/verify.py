"""Run a program twice and say whether the bits agree."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from samebits.cli._config import read_from
from samebits.cli._detail import detail, detail_options
from samebits.cli._output import deliver, json_option, keep_apart, stdout_kept_for_json, write_page
from samebits.cli._plot import draw_losses, drawn, plot_option
from samebits.cli._program import ProgramCommand, chosen, run_options
from samebits.cli._progress import busy, progress_line
from samebits.cli._report import asked_for, open_option, opened, page_path
from samebits.cli.main import say
from samebits.control.settings import Control

ORDER: Final = 20  # of `samebits --help`


@click.command(cls=ProgramCommand)
@click.option(
    "--runs",
    type=click.IntRange(min=2),
    default=2,
    show_default=True,
    metavar="N",
    help="How many runs to compare.",
)
@click.option(
    "--level", type=click.Choice(["auto", "step", "op"]), default="auto", show_default=True,
    help="What is compared: every optimizer step, every operation, or operations as long as that is cheap, "
    "then steps, and if these diverge, the operations around the place.",
)  # fmt: skip
@run_options
@click.option(
    "--report",
    "page",
    metavar="PATH",
    callback=page_path,
    help="Also write a report: one HTML file with curves, where the runs part, and why.",
)
@open_option
@plot_option
@json_option
@detail_options(
    "Print the verdict's one line alone.", "Print every note, cause and difference of the machines."
)
@click.pass_context
def verify(
    ctx: click.Context,
    runs: int,
    level: str,
    steps: int | None,
    seed: int | None,
    deterministic: bool,
    portable: bool,
    out: Path,
    timeout: float | None,
    page: Path | None,
    show: bool,
    plot: bool | None,
    json_path: str | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Run a program twice, unmodified, and say whether every bit agrees.

    Where they diverge, the first operation whose result differs is named, with its line, the probable causes
    and the fix. Every word after the program's name belongs to the program.

    \b
    Examples:
      samebits verify train.py --epochs 1
      samebits verify --runs 3 --steps 100 train.py
      samebits verify -m package.train --lr 0.1
      samebits verify -- torchrun --nproc-per-node 2 train.py
      samebits verify --json - train.py
      samebits verify --report report.html --open train.py

    Exit code: 0 every bit agrees, 1 the runs diverge, 2 incomplete, failed, or the command is wrong.
    """
    from samebits._runtime.text import clean
    from samebits.launch import verify as verify_program
    from samebits.record.kept import note
    from samebits.report.build import report_of_verdict

    much = detail(quiet, verbose)
    keep_apart(ctx, (page, json_path), ())
    asked_for(page, show, ctx)
    if verbose and (read := read_from(ctx)):
        say(read, ctx.command_path)
    with stdout_kept_for_json(json_path), progress_line(quiet=quiet) as progress:
        verdict = verify_program(
            chosen(ctx),
            runs=runs,
            steps=steps,
            level=level,
            control=Control(seed, deterministic, portable),
            out=out,
            timeout=timeout,
            progress=progress,
        )
    for run in verdict.runs:
        note(out / run, verdict=verdict.verdict)  # for `samebits runs`
    code = deliver(verdict, json_path, much)
    if drawn(verdict.verdict == "diverged", json_path, much, plot):
        draw_losses([out / run for run in verdict.pair], verdict.pair, json_path)
    if page is not None and any((out / run).is_dir() for run in verdict.runs):
        with busy("making the report", quiet=quiet):
            write_page(report_of_verdict(verdict, out), page)
        if much != "quiet":
            click.echo(f"report: {clean(str(page))}", err=json_path == "-")
        opened(page, show)
    ctx.exit(code)
