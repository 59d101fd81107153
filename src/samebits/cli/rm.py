"""Remove kept runs.

They are named, and nothing that is not a run is removed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click

from samebits.cli._output import json_option, write_json
from samebits.cli._program import out_option
from samebits.cli._runs import run_id

ORDER: Final = 70  # of `samebits --help`


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, shell_complete=run_id)
@out_option
@click.option(
    "--force", is_flag=True, help="Also a run that is still under way, or whose launcher was killed."
)
@json_option
def rm(runs: tuple[str, ...], out: Path, force: bool, json_path: str | None) -> None:
    """Remove kept runs. Nothing is asked; what is not a run of samebits is refused, and no link is followed.

    All are looked at first: if one is refused, none is removed.

    \b
    Examples:
      samebits rm 20250102-1 20250102-2
      samebits rm --out /data/runs a1b2

    Exit code: 0 all are removed, 2 one was refused or could not be removed.
    """
    from samebits._runtime.text import clean
    from samebits.errors import UsageError
    from samebits.record.kept import refusal, remove
    from samebits.record.run import find_run, list_runs
    from samebits.report.runs import size

    named = {run: find_run(out, run) for run in runs}
    for run, folder in named.items():
        if os.path.isdir(run) and not os.path.samefile(run, folder):
            raise UsageError(
                f"{clean(run)} is not removed: it is not a run but holds one; name that: {clean(folder.name)}"
            )
    folders = list(dict.fromkeys(named.values()))
    for folder in folders:
        if (why := refusal(folder)) is not None:
            raise UsageError(f"{clean(str(folder))} is not removed: {why}.")
        under_way = any(
            run.path.name == folder.name and run.status == "running" for run in list_runs(folder.parent)
        )
        if under_way and not force:
            raise UsageError(
                f"{clean(folder.name)} is still under way, or its launcher was killed; if nothing runs "
                "there any more, remove it with --force."
            )
    removed = []
    for folder in folders:
        count = remove(folder)
        removed.append({"id": folder.name, "path": str(folder), "bytes": count})
        click.echo(f"removed {clean(folder.name)}, {size(count)}", err=json_path == "-")
    write_json({"format": "samebits.removed", "version": 1, "dry_run": False, "removed": removed}, json_path)
