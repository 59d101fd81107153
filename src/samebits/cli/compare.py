"""Compare two kept runs; needs no torch.

They may be from anywhere.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from samebits.cli._config import read_from
from samebits.cli._detail import detail, detail_options
from samebits.cli._output import deliver, json_option
from samebits.cli._program import out_option
from samebits.cli._runs import run_id
from samebits.cli.main import say

ORDER: Final = 40  # of `samebits --help`


@click.command()
@click.argument("run_a", metavar="RUN_A", shell_complete=run_id)
@click.argument("run_b", metavar="RUN_B", shell_complete=run_id)
@out_option
@json_option
@detail_options(
    "Print the verdict's one line alone.", "Print every note, cause and difference of the machines."
)
@click.pass_context
def compare(
    ctx: click.Context,
    run_a: str,
    run_b: str,
    out: Path,
    json_path: str | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Compare two kept runs and say whether every bit agrees.

    A run is a folder, a run's id as `samebits runs` lists it, or the beginning of one. Neither torch nor the
    machine they ran on is needed.

    \b
    Examples:
      samebits compare 20250102-1 20250102-2
      samebits compare laptop/.samebits/a1b2 /mnt/cluster/.samebits/c3d4 --json verdict.json

    Exit code: 0 every bit agrees, 1 the runs diverge, 2 incomplete, not readable, or the command is wrong.
    """
    from samebits.compare import compare as compare_runs
    from samebits.record.run import Run, find_run

    much = detail(quiet, verbose)
    if verbose and (read := read_from(ctx)):
        say(read, ctx.command_path)
    verdict = compare_runs(Run.open(find_run(out, run_a)), Run.open(find_run(out, run_b)))
    ctx.exit(deliver(verdict, json_path, much))
