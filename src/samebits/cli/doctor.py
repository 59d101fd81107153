"""Say what is in force in an interpreter, and what mends it."""

from __future__ import annotations

from typing import Final

import click

from samebits.cli._output import json_option, show
from samebits.errors import UsageError

ORDER: Final = 85  # of `samebits --help`


@click.command()
@click.option(
    "--fix-env",
    is_flag=True,
    help="Print the variables that mend it, as lines for a shell, and nothing else.",
)
@json_option
@click.pass_context
def doctor(ctx: click.Context, fix_env: bool, json_path: str | None) -> None:
    """Say what is in force in a fresh interpreter with this environment, and not what was asked for.

    Each line has what, the value in force, a verdict, why, and the command or the code that mends it.
    "breaks": two runs may differ here, or what was asked for is not in force. "fragile": runs agree here, and
    hang on the machine or on what a program happens to use. What concerns a GPU that is not there is fine.

    A program may change switches after it has started: print(samebits.doctor()) in it says what is in force
    there.

    \b
    Examples:
      samebits doctor
      samebits doctor --json -
      eval "$(samebits doctor --fix-env)"

    Exit code: 0 nothing breaks, 1 something does, 2 an error; what is fragile alone is 0.
    """
    if fix_env and json_path == "-":
        raise UsageError("--fix-env and --json - both write to the standard output; give --json a file.")
    from samebits.launch.doctor import fresh
    from samebits.report.doctor import print_diagnosis

    found = fresh()
    if fix_env:
        click.echo(found.shell(), nl=False)
    ctx.exit(
        show(found, (lambda _: None) if fix_env else (lambda where: print_diagnosis(found, where)), json_path)
    )
