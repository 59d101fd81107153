"""`samebits`: the group of commands, and what every one of them does with an error.

Exit codes are an interface, read by continuous integration: 0 the bits agree,
1 they do not, 2 anything else went wrong.  A fault of our own must therefore
never leave as Python's usual 1.  `samebits run` becomes the program and leaves with its code.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

import click

from samebits import __version__
from samebits.errors import SamebitsError

SAME: Final = 0
DIVERGED: Final = 1
FAILED: Final = 2
SIGNALLED: Final = 128  # and the signal's number, as shells say it

#: Commands in the order of `--help`, with the line shown there; each lives in a file of its own.
COMMANDS: Final = {
    "run": "Run a program fully seeded, with deterministic algorithms.",
    "verify": "Run a program twice and say whether the bits agree.",
    "record": "Run a program once and keep what was observed.",
    "compare": "Compare two kept runs; needs no torch.",
    "runs": "List the kept runs, newest first.",
    "ops": "List the operations that are made deterministic; --check runs them.",
}


class Commands(click.Group):
    """Loads a command's file when it is called for, and turns every error into one sentence and a code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"samebits.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):  # without loading them
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # The reader (`| head`) has left.  Nothing may be flushed to it at exit:
            # https://docs.python.org/3/library/signal.html#note-on-sigpipe
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return FAILED

    def main(  # type: ignore[override]  # it leaves by SystemExit whatever standalone_mode says
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a name that is no text, or a terminal that knows only ASCII
                stream.reconfigure(errors="backslashreplace")
        try:
            code = super().main(args, prog_name or "samebits", **extra | {"standalone_mode": False})
        except click.Abort as error:
            number = getattr(error.__cause__, "number", signal.SIGINT)
            how = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
            say(f"{how}; what was recorded so far is kept, see `samebits runs`")
            code = SIGNALLED + number
        except click.ClickException as error:
            context = getattr(error, "ctx", None)
            say(_sentence(error), context.command_path if context else "samebits")
            code = FAILED
        except SamebitsError as error:
            say(str(error))
            code = FAILED
        except Exception:
            traceback.print_exc()
            say("this is a fault of samebits itself; please report it with the lines above")
            code = FAILED
        sys.exit(code if isinstance(code, int) else SAME)


def _sentence(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption):
        return error.format_message() + " (Options of the program itself go after its name.)"
    return error.format_message()


def say(sentence: str, who: str = "samebits") -> None:
    """One line on the standard error stream, if anybody is still there."""
    with contextlib.suppress(OSError):
        click.echo(f"{who}: {sentence}", err=True)


@click.group(
    cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="samebits", message="%(prog)s %(version)s")
@click.pass_context
def app(ctx: click.Context) -> None:
    """Same code, same seed, same bits; and when not, the operation that broke it.

    \b
    samebits run train.py --epochs 1
    samebits verify train.py --epochs 1
    samebits verify -m package.train
    samebits verify -- torchrun --nproc-per-node 2 train.py
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """The installed script's entry; leaves by `SystemExit`."""
    app.main(argv)
