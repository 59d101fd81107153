"""`samebits record`: run a program once and keep what was observed."""

from __future__ import annotations

from pathlib import Path

import click

from samebits.cli._program import ProgramCommand, chosen, control, run_options
from samebits.cli._progress import progress_line
from samebits.cli.main import FAILED, SAME, say


@click.command(cls=ProgramCommand)
@click.option(
    "--level", type=click.Choice(["step", "op"]), default="op", show_default=True,
    help="What is recorded: every optimizer step, or every operation.",
)  # fmt: skip
@run_options
@click.pass_context
def record(
    ctx: click.Context,
    level: str,
    steps: int | None,
    seed: int | None,
    deterministic: bool,
    everywhere: bool,
    out: Path,
    timeout: float | None,
) -> None:
    """Run a program once, unmodified, and keep its record.

    Two records, of two days or two machines, are compared with `samebits compare`.

    \b
    Examples:
      samebits record train.py --epochs 1
      samebits record --level step --out /data/runs train.py

    Exit code: 0 recorded, 2 the program failed or the command is wrong.
    """
    from samebits.launch import attached
    from samebits.launch import record as record_program
    from samebits.report.terminal import clean

    with progress_line() as progress:
        run = record_program(
            chosen(ctx),
            level=level,
            steps=steps,
            control=control(seed, deterministic, everywhere),
            out=out,
            timeout=timeout,
            progress=progress,
        )
    status = str(run.info.get("status"))
    click.echo(f"{clean(run.id)}  {clean(status)}  {clean(str(out / run.id))}")
    if (unobserved := attached.sentence(run.info)) is not None:
        say(unobserved, ctx.command_path)
        ctx.exit(FAILED)
    if status not in ("finished", "stopped"):
        say(
            f"the program did not finish: {clean(status)}, exit code {run.info.get('exit_code')}",
            ctx.command_path,
        )
        ctx.exit(FAILED)
    ctx.exit(SAME)
