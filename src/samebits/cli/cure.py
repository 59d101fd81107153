"""Find the fewest changes that make a program repeat; prove them.

The program runs in a mirror of its folder; its own files are changed only with `--apply`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from samebits.cli._detail import detail, detail_options
from samebits.cli._output import json_option, keep_apart, stdout_kept_for_json, writable, write
from samebits.cli._output import show as show_result
from samebits.cli._program import ProgramCommand, chosen, out_option, python_option, timeout_option
from samebits.cli._progress import trials_line
from samebits.cli._report import asked_for, report_options, trials_report
from samebits.cli.main import say

ORDER: Final = 24  # of `samebits --help`
MOST_RUNS: Final = 40


@click.command(cls=ProgramCommand)
@click.option(
    "--runs", type=click.IntRange(min=2), default=2, show_default=True, metavar="N",
    help="How many runs have to agree; more for a difference that is rare.",
)  # fmt: skip
@click.option(
    "--most-runs", type=click.IntRange(min=4), default=MOST_RUNS, show_default=True, metavar="N",
    help="The search ends after so many runs.",
)  # fmt: skip
@click.option(
    "--steps", type=click.IntRange(min=1), metavar="N", help="Stop a run cleanly after N optimizer steps."
)
@click.option(
    "--patch", "patch_path", metavar="PATH|-", callback=writable,
    help="Write the changes as a unified diff; - is stdout, and the report then goes to stderr.",
)  # fmt: skip
@click.option(
    "--apply", "change", is_flag=True, help="Change the files, after they are shown; in a clean git tree."
)
@click.option("--force", is_flag=True, help="With --apply: also where git cannot give the files back.")
@python_option
@out_option
@timeout_option
@report_options
@json_option
@detail_options("Print the result's one line alone.", "Print every note.")
@click.pass_context
def cure(
    ctx: click.Context,
    runs: int,
    most_runs: int,
    steps: int | None,
    patch_path: str | None,
    change: bool,
    force: bool,
    out: Path,
    timeout: float | None,
    page: Path | None,
    show: bool,
    json_path: str | None,
    quiet: bool,
    verbose: bool,
) -> None:
    """Find the fewest changes that make a program repeat; prove them.

    The program is verified in a mirror of its folder; what its runs show to be the cause is mended there, and
    that is verified, until it repeats. Each change is then left out once: what is not missed goes. Where no
    edit helps, parts of `samebits run` are tried, each by itself. At last the changed program is run twice
    more, and a hash of its weights is printed.

    \b
    Examples:
      samebits cure train.py --epochs 1
      samebits cure --steps 50 --patch fix.diff train.py
      samebits cure --apply train.py
      samebits cure --runs 4 -- torchrun --nproc-per-node 2 train.py

    Exit code: 0 it repeats, as it is or with what was found, 1 nothing that was tried makes it repeat,
    2 incomplete, failed, or the command is wrong.
    """
    from samebits.launch.signals import interrupting
    from samebits.report.cure import headline, print_cure
    from samebits.trials.cure import applied
    from samebits.trials.cure.search import cure as find

    much = detail(quiet, verbose)
    keep_apart(ctx, (patch_path, json_path, page), ())
    asked_for(page, show, ctx)
    if force and not change:
        raise click.UsageError("--force is for --apply.", ctx)
    if patch_path == "-" and json_path == "-":
        raise click.UsageError("--patch - and --json - cannot both have the standard output.", ctx)
    if change and not force:
        applied.check_tree(Path.cwd(), [])
    alone = "-" if "-" in (patch_path, json_path) else None
    with stdout_kept_for_json(alone), interrupting(), trials_line(quiet=quiet) as progress:
        if not quiet:
            say(
                f"at most {most_runs} runs: {runs} as it is, and {runs} for each change that is tried",
                ctx.command_path,
            )
        result = find(
            chosen(ctx),
            steps=steps,
            runs=runs,
            out=out,
            timeout=timeout,
            most_runs=most_runs,
            progress=progress,
        )
    code = show_result(
        result, lambda console: print_cure(result, console, detail=much), json_path, aside=alone
    )
    trials_report(result, headline(result), result.first, out, page, show=show, quiet=quiet)
    if patch_path is not None and result.patch:
        write(result.patch, patch_path)
    elif patch_path is not None:
        made = any(one.remedy.edits for one in result.needed)
        why = "the edits alone do not make it repeat" if made else "there is no edit to make"
        say(f"no patch was written: {why}", ctx.command_path)
    if change and result.verdict == "cured" and result.files:
        if not force:
            applied.check_tree(Path.cwd(), sorted(result.files))
        for name in applied.apply(result.files, result.originals, Path.cwd()):
            click.echo(f"changed: {name}", err=alone is not None)
    ctx.exit(code)
