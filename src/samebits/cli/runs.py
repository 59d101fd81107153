"""List the kept runs, newest first."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from samebits.cli._output import console, json_option, write_json
from samebits.cli._program import out_option
from samebits.cli._runs import summary

ORDER: Final = 50  # of `samebits --help`


@click.command()
@out_option
@json_option
def runs(out: Path, json_path: str | None) -> None:
    """List the kept runs, newest first: id, age, status, steps, size, loss, verdict, command.

    The loss is drawn over the whole run, with its last value. The verdict is that of the `samebits verify` a
    run belongs to.

    \b
    Examples:
      samebits runs
      samebits runs --out /data/runs --json -

    Exit code: 0, or 2 if the command is wrong or the folder cannot be read.
    """
    from samebits._runtime.text import clean
    from samebits.record.run import list_runs
    from samebits.report.runs import print_runs

    now = datetime.now(UTC)
    rows = [summary(run, now) for run in list_runs(out)]
    if rows:
        print_runs(rows, console(json_path))
    elif json_path != "-":
        click.echo(f"no runs in {clean(str(out))}", err=True)
    write_json({"format": "samebits.runs", "version": 1, "runs": rows}, json_path)
