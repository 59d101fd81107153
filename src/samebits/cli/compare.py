"""`samebits compare`: two kept runs, from anywhere, without torch."""

from __future__ import annotations

from pathlib import Path

import click

from samebits.cli._output import deliver, json_option
from samebits.cli._program import out_option


@click.command()
@click.argument("run_a", metavar="RUN_A")
@click.argument("run_b", metavar="RUN_B")
@out_option
@json_option
@click.pass_context
def compare(ctx: click.Context, run_a: str, run_b: str, out: Path, json_path: str | None) -> None:
    """Compare two kept runs and say whether every bit agrees.

    A run is a folder, a run's id as `samebits runs` lists it, or the beginning of one. Neither torch nor the
    machine they ran on is needed.

    \b
    Examples:
      samebits compare 20250102-1 20250102-2
      samebits compare laptop/.samebits/a1b2 /mnt/cluster/.samebits/c3d4 --json verdict.json

    Exit code: 0 every bit agrees, 1 the runs part, 2 a record cannot be read or the command is wrong.
    """
    from samebits.compare import compare as compare_runs
    from samebits.record.run import Run, find_run

    verdict = compare_runs(Run.open(find_run(out, run_a)), Run.open(find_run(out, run_b)))
    ctx.exit(deliver(verdict, json_path))
