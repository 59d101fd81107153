"""Interrupt and restart a program; say what its checkpoint lost."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

import click

from samebits.cli._detail import detail, detail_options
from samebits.cli._output import json_option, keep_apart, stdout_kept_for_json
from samebits.cli._output import show as show_result
from samebits.cli._program import ProgramCommand, chosen, run_options
from samebits.cli._progress import trials_line
from samebits.cli._report import asked_for, report_options, trials_report
from samebits.cli.main import say
from samebits.control.settings import Control

ORDER: Final = 25  # of `samebits --help`


def _words(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no list of words: {error}.", ctx, parameter) from error


@click.command(cls=ProgramCommand)
@click.option(
    "--resume-with", "words", default="", metavar="WORDS", callback=_words,
    help='Words behind the program\'s own as it is restarted: --resume-with "--ckpt last.pt". Without '
    "them it is restarted as it was.",
)  # fmt: skip
@click.option(
    "--trials", type=click.IntRange(min=1), default=3, show_default=True, metavar="N",
    help="How often it is interrupted and restarted.",
)  # fmt: skip
@click.option(
    "--kill", type=click.Choice(["term", "kill", "end", "save"]), default="term", show_default=True,
    help="How it is interrupted: SIGTERM, SIGKILL, an exit of its own, or SIGKILL while it saves.",
)  # fmt: skip
@click.option(
    "--at", type=click.IntRange(min=1), metavar="STEP",
    help="Interrupt it after so many optimizer steps; else at random.",
)  # fmt: skip
@run_options
@report_options
@json_option
@detail_options("Print the verdict's one line alone.", "Print every trial and its runs.")
@click.pass_context
def resume(
    ctx: click.Context,
    words: tuple[str, ...],
    trials: int,
    kill: str,
    at: int | None,
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
    """Interrupt a program, restart it, and say what its checkpoint lost.

    It runs whole once, and then each time until it is interrupted and from there again, in copies of the
    working folder. Every step of the restarted run is laid beside the whole run's. Where they differ, the
    state that is missing is named, with the line that saves the checkpoint and what to add.

    \b
    Examples:
      samebits resume --resume-with "--resume last.pt" train.py
      samebits resume train.py                     (it goes on by itself)
      samebits resume --kill kill --trials 10 train.py --epochs 2
      samebits resume --at 120 -m package.train

    Exit code: 0 every step after the restart has the whole run's bits, 1 a state is lost, 2 otherwise.
    """
    from samebits.launch.signals import interrupting
    from samebits.report.resume import headline, print_resumed
    from samebits.trials.resume.run import Asked
    from samebits.trials.resume.run import resume as resume_program

    much = detail(quiet, verbose)
    keep_apart(ctx, (json_path, page), ())
    asked_for(page, show, ctx)
    asked = Asked(
        chosen(ctx),
        words,
        trials,
        kill,
        at,
        steps,
        control=Control(seed, deterministic, portable),
        out=out,
        timeout=timeout,
    )
    tell = (lambda sentence: None) if quiet else say
    with stdout_kept_for_json(json_path), interrupting(), trials_line(quiet=quiet) as progress:
        resumed = resume_program(asked, progress=progress, say=tell)
    code = show_result(resumed, lambda where: print_resumed(resumed, where, detail=much), json_path)
    trials_report(resumed, headline(resumed), None, out, page, show=show, quiet=quiet)
    ctx.exit(code if not resumed.interrupted else 2)
