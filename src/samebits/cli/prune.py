"""Remove the old ones of the kept runs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from samebits.cli._output import json_option, write_json
from samebits.cli._program import out_option
from samebits.cli._runs import Age, SizeParameter

ORDER: Final = 80  # of `samebits --help`


@click.command()
@out_option
@click.option(
    "--older", type=Age(), metavar="AGE", help="Remove runs older than this: 90s, 30m, 12h, 7d, 2w."
)
@click.option(
    "--size", type=SizeParameter(), metavar="SIZE", help="Remove the oldest until all have at most this: 2GB."
)
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="Never remove the newest N.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@json_option
def prune(
    out: Path, older: float | None, size: int | None, keep: int | None, dry_run: bool, json_path: str | None
) -> None:
    """Remove kept runs that are older than --older or make the folder larger than --size.

    The newest N of --keep stay in any case; --keep alone removes all others. A run under way stays, and what
    is not a run of samebits is never touched.

    \b
    Examples:
      samebits prune --older 7d --keep 20
      samebits prune --size 2GB --dry-run
      samebits prune --keep 20

    Exit code: 0, or 2 if something could not be removed or the command is wrong.
    """
    from samebits._runtime.text import clean
    from samebits.cli.main import say
    from samebits.errors import SamebitsError, UsageError
    from samebits.record.kept import refusal, remove, size_of, superfluous
    from samebits.record.run import list_runs
    from samebits.report.runs import size as written

    if older is None and size is None and keep is None:
        raise UsageError(
            "say what is to be removed: --older 7d, --size 2GB, or --keep 20 for all but the newest."
        )
    runs = list_runs(out)
    chosen = superfluous(runs, older=older, keep=keep, size=size, now=datetime.now(UTC))
    removed, failed = [], 0
    for run in chosen:
        count = size_of(run.path)
        try:
            if (why := refusal(run.path)) is not None:
                raise UsageError(f"{clean(run.path.name)} is not removed: {why}.")
            if not dry_run:
                remove(run.path)
        except SamebitsError as error:
            say(str(error), "samebits prune")
            failed += 1
            continue
        removed.append({"id": run.path.name, "path": str(run.path), "bytes": count})
        word = "would remove" if dry_run else "removed"
        click.echo(f"{word} {clean(run.path.name)}, {written(count)}", err=json_path == "-")
    total = sum(int(str(one["bytes"])) for one in removed)
    left = len(runs) - len(removed)
    click.echo(
        f"{len(removed)} {'would be ' if dry_run else ''}removed, {written(total)}; {left} kept",
        err=json_path == "-",
    )
    document = {"format": "samebits.removed", "version": 1, "dry_run": dry_run, "removed": removed}
    write_json(document, json_path)
    if failed:
        click.get_current_context().exit(2)
