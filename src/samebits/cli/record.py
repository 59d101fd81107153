"""Run a program once and keep what was observed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from samebits.cli._config import read_from
from samebits.cli._detail import detail, detail_options
from samebits.cli._output import json_option, stdout_kept_for_json, write_json
from samebits.cli._program import ProgramCommand, chosen, run_options
from samebits.cli._runs import described
from samebits.cli.main import FAILED, SAME, say
from samebits.control.settings import Control

ORDER: Final = 30  # of `samebits --help`


@click.command(cls=ProgramCommand)
@click.option(
    "--level", type=click.Choice(["step", "op"]), default="op", show_default=True,
    help="What is recorded: every optimizer step, or every operation.",
)  # fmt: skip
@run_options
@json_option
@detail_options("Print the run's id alone.", "Print what `samebits show` does.")
@click.pass_context
def record(
    ctx: click.Context,
    level: str,
    steps: int | None,
    seed: int | None,
    deterministic: bool,
    portable: bool,
    out: Path,
    timeout: float | None,
    json_path: str | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Run a program once, unmodified, and keep its record.

    Two records, of two days or two machines, are compared with `samebits compare`.

    \b
    Examples:
      samebits record train.py --epochs 1
      samebits record --level step --out /data/runs train.py

    The terminal is the program's: no progress is shown. --json writes what `samebits show --json` does.

    Exit code: 0 recorded, 2 incomplete, failed, or the command is wrong.
    """
    from samebits._runtime.text import clean
    from samebits.compare.gaps import missing
    from samebits.launch import record as record_program

    much = detail(quiet, verbose)
    if verbose and (read := read_from(ctx)):
        say(read, ctx.command_path)
    with stdout_kept_for_json(json_path):
        run = record_program(
            chosen(ctx),
            level=level,
            steps=steps,
            control=Control(seed, deterministic, portable),
            out=out,
            timeout=timeout,
        )
    status = str(run.info.get("status"))
    line = clean(run.id) if quiet else f"{clean(run.id)}  {clean(status)}  {clean(str(out / run.id))}"
    click.echo(line, err=json_path == "-")
    if json_path is not None or much == "verbose":
        document = described(out / run.id)
        if much == "verbose":
            from samebits.cli._output import console
            from samebits.report.runs import print_run

            print_run(document, console(json_path))
        write_json(document, json_path)
    if status not in ("finished", "stopped"):
        say(
            f"the program did not finish: {clean(status)}, exit code {run.info.get('exit_code')}",
            ctx.command_path,
        )
        ctx.exit(FAILED)
    if gaps := missing(run):
        say(f"the record is incomplete: {clean(gaps[0])}", ctx.command_path)
        ctx.exit(FAILED)
    ctx.exit(SAME)
