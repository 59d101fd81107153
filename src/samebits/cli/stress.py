"""Change one thing at a time, and say what reaches the weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from samebits.cli._config import read_from
from samebits.cli._detail import Detail, detail, detail_options
from samebits.cli._output import console, json_option, keep_apart, stdout_kept_for_json
from samebits.cli._output import show as show_result
from samebits.cli._program import ProgramCommand, chosen, run_options
from samebits.cli._progress import matrix_line, progress_line
from samebits.cli._report import asked_for, report_options, trials_report
from samebits.cli.main import say
from samebits.control.settings import Control

if TYPE_CHECKING:
    from samebits.trials.stress.matrix import Matrix

ORDER: Final = 25  # of `samebits --help`


class _StressCommand(ProgramCommand):
    """`--collect DIR` stands alone: the program is known."""

    def checks(self, args: list[str]) -> bool:
        return "--collect" not in args and not any(word.startswith("--collect=") for word in args)


def _names(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = tuple(name for name in value.replace(",", " ").split() if name)
    if not names:
        raise click.BadParameter("give the names of changes, with commas between them.", ctx, parameter)
    return names


@click.command(cls=_StressCommand)
@click.option(
    "--only", metavar="NAMES", callback=_names, help="Make these changes alone: hash-seed,num-workers,..."
)
@click.option("--without", metavar="NAMES", callback=_names, help="Leave these changes out.")
@click.option(
    "--quick",
    is_flag=True,
    help="Make the six changes that find most: hash-seed, listing-order, num-workers, evaluation, threads, "
    "extra-draw.",
)
@click.option(
    "-j", "--jobs", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
    help="How many runs at once.",
)  # fmt: skip
@click.option(
    "--on", default="here", show_default=True, metavar="here|joblib[:BACKEND]|slurm",
    help="Where: processes here, joblib's backends (loky, dask, ray), or a Slurm array, which is written "
    "and not submitted.",
)  # fmt: skip
@click.option(
    "--collect", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR",
    help="Show the trials in this folder, such as a Slurm array left there; nothing is run.",
)  # fmt: skip
@run_options
@report_options
@json_option
@detail_options("Print one line alone.", "Print every row's line, cause and numbers.")
@click.pass_context
def stress(
    ctx: click.Context,
    only: tuple[str, ...] | None,
    without: tuple[str, ...] | None,
    quick: bool,
    jobs: int,
    on: str,
    collect: Path | None,
    steps: int | None,
    seed: int | None,
    deterministic: bool,
    portable: bool,
    out: Path,
    timeout: float | None,
    page: Path | None,
    show: bool,
    json_path: str | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Run a program with one thing changed at a time and say what reaches its weights.

    First twice without a change, which must agree in every bit. Then once with each change: another hash
    seed, one worker more, half as many threads, an evaluation more, another time zone. Each row says whether
    that reached the weights, where it entered, how far it grew, and whether it should have.

    \b
    Examples:
      samebits stress train.py --epochs 1
      samebits stress --quick -j 2 train.py
      samebits stress --steps 50 --without cpu-capability,locale train.py
      samebits stress --seed 0 --deterministic train.py
      samebits stress --on slurm -- torchrun --nproc-per-node 8 train.py
      samebits stress --collect .samebits/stress-20250102-101112-ab12 --json matrix.json

    Exit code: 0 all as it should be, 1 a finding, 2 incomplete, failed, or the command is wrong.
    """
    from samebits.launch.signals import interrupting
    from samebits.trials.stress import pool
    from samebits.trials.stress import run as trials
    from samebits.trials.stress.design import Design

    much = detail(quiet, verbose)
    keep_apart(ctx, (json_path, page), ())
    asked_for(page, show, ctx)
    if verbose and (read := read_from(ctx)):
        say(read, ctx.command_path)
    if collect is not None:
        ctx.exit(_shown(trials.collected(Design.read(collect)), json_path, much))
    kind, _ = pool.checked_place(on)
    names = trials.chosen(only, without or (), quick=quick)
    control = Control(seed, deterministic, portable)
    design = trials.prepared(chosen(ctx), names, control=control, steps=steps, out=out, timeout=timeout)
    if kind == "slurm":
        script, words = pool.write_slurm(design)
        say(f"written: {script}; submit it with: sh {script} [sbatch's options], and when it has ended:")
        click.echo(" ".join(words))
        return
    with (
        stdout_kept_for_json(json_path),
        interrupting(),
        progress_line(quiet=quiet) as pair,
        matrix_line(quiet=quiet) as line,
    ):

        def planned(design: Design, at_once: int) -> None:
            if not quiet:
                say(trials.cost(design, at_once), ctx.command_path)
            if line is not None:
                line.begin(len(design.names), design.seconds, at_once)

        watched = trials.Watchers(
            pair=pair,
            planned=planned,
            trials=(lambda rows, running: None) if line is None else line,
            said=say,
        )
        matrix, verdict = trials.stress(design, jobs=jobs, on=on, watched=watched)
    if not matrix.rows and verdict.verdict != "same" and much != "quiet":
        from samebits.report import print_verdict

        print_verdict(verdict, console(json_path), detail=much)
    code = _shown(matrix, json_path, much)
    trials_report(matrix, matrix.headline, verdict, out, page, show=show, quiet=quiet)
    ctx.exit(code)


def _shown(matrix: Matrix, json_path: str | None, much: Detail) -> int:
    from samebits.report.stress import print_matrix

    return show_result(matrix, lambda where: print_matrix(matrix, where, detail=much), json_path)
