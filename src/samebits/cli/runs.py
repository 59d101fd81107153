"""`samebits runs`: what is kept, newest first."""

from __future__ import annotations

import json
from pathlib import Path

import click

from samebits.cli._program import out_option


@click.command()
@out_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of lines.")
def runs(out: Path, as_json: bool) -> None:
    """List the kept runs, newest first: id, when, level, how it ended, what ran.

    \b
    Examples:
      samebits runs
      samebits runs --out /data/runs --json
    """
    from samebits.record.run import list_runs
    from samebits.report.terminal import clean

    found = list_runs(out)
    if as_json:
        click.echo(json.dumps([{"id": run.id, **run.info} for run in found], indent=2))
    elif not found:
        click.echo(f"no runs in {clean(str(out))}", err=True)
    for run in () if as_json else found:
        info = run.info
        command = " ".join(str(word) for word in info.get("argv") or ())
        row = (run.id, info.get("created"), info.get("level"), info.get("status"), command)
        click.echo("  ".join(clean(str(field or "?")) for field in row))
