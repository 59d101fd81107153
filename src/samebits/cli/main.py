"""`samebits`: the group of commands, and what every one of them does with an error.

Exit codes are an interface, read by continuous integration: 0 the bits agree,
1 they do not, 2 anything else went wrong.  A fault of our own must therefore
never leave as Python's usual 1.  `samebits run` becomes the program and leaves with its code.
"""

from __future__ import annotations

import ast
import contextlib
import errno
import os
import pkgutil
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from math import inf
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from samebits import __version__
from samebits.cli._output import close_stdout
from samebits.errors import SamebitsError

SAME: Final = 0
DIVERGED: Final = 1
FAILED: Final = 2
SIGNALLED: Final = 128  # and the signal's number, as shells say it

#: How the system says that a stream takes no more: full, over a limit, broken, closed.
_UNWRITTEN: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)

#: Commands whose record is kept where they are interrupted.
_RECORDING: Final = frozenset({"verify", "record", "cure", "resume", "stress"})

#: Where a context keeps whether help is all that is asked for.
_HELP: Final = "samebits.help"


@cache
def commands() -> dict[str, str]:
    """The commands in the order of `--help`, with the line shown there: read from their files, and not run.

    Every file beside this one whose name has no leading underscore is a command.  The first line of its
    docstring is the help line, and `ORDER` its place; those without one come last, by name.
    """
    found = []
    for module in pkgutil.iter_modules(import_module("samebits.cli").__path__):
        if module.name != "main" and not module.name.startswith("_"):
            tree = ast.parse(_source(module))
            line = (ast.get_docstring(tree) or "").partition("\n")[0]
            found.append((_order(tree), module.name, line))
    return {name: line for _, name, line in sorted(found)}


def _source(module: pkgutil.ModuleInfo) -> str:
    spec = module.module_finder.find_spec(module.name, None)
    assert spec is not None
    assert spec.loader is not None
    source: str = spec.loader.get_source(module.name)  # type: ignore[attr-defined]
    return source


def _order(tree: ast.Module) -> float:
    for node in tree.body:
        match node:
            case (
                ast.AnnAssign(target=ast.Name(id="ORDER"), value=ast.Constant(value=int(order)))
                | ast.Assign(targets=[ast.Name(id="ORDER")], value=ast.Constant(value=int(order)))
            ):
                return order
            case _:
                pass
    return inf


class Commands(click.Group):
    """Loads a command's file when it is called for, and turns every error into one sentence and a code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in commands():
            return None
        command = getattr(import_module(f"samebits.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        word = args[0]
        ctx.meta[_HELP] = args[1:2] in (["-h"], ["--help"])
        if word not in commands() and not word.startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(_no_command(word), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):  # without loading them
            formatter.write_dl(list(commands().items()))

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _reader_may_leave():  # of --help and --version
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _reader_may_leave():
                return super().invoke(ctx)
        except KeyboardInterrupt as error:
            number = getattr(error, "number", signal.SIGINT)
            how = (
                "interrupted" if number == signal.SIGINT else f"interrupted by {signal.Signals(number).name}"
            )
            kept = "; what was recorded so far is kept, see `samebits runs`"
            say(how + (kept if ctx.invoked_subcommand in _RECORDING else ""))
            return SIGNALLED + number

    def main(  # type: ignore[override]  # it leaves by SystemExit whatever standalone_mode says
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        _open_streams()
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # a name that is no text, or a terminal that knows only ASCII
                stream.reconfigure(errors="backslashreplace")
        written = True
        try:
            code = super().main(args, prog_name or "samebits", **extra | {"standalone_mode": False})
        except click.Abort:  # an interrupt before there was a command
            code = SIGNALLED + signal.SIGINT
        except click.ClickException as error:
            context = getattr(error, "ctx", None)
            say(_sentence(error), context.command_path if context else "samebits")
            code = FAILED
        except SamebitsError as error:
            say(str(error))
            code = FAILED
        except Exception as error:
            code = FAILED
            written = not (
                isinstance(error, OSError) and error.errno in _UNWRITTEN and error.filename is None
            )
            if written:
                with contextlib.suppress(OSError):
                    traceback.print_exc()
                say("this is a fault of samebits itself; please report it with the lines above")
        code = code if isinstance(code, int) else SAME
        if not _flushed() or not written:
            close_stdout()
            if code < SIGNALLED:  # else the terminal may be gone, and why is known
                say("what it says could not be written to the standard output")
                code = FAILED
        sys.exit(code)


def _open_streams() -> None:
    """Streams that are closed swallow what they get: no other file may take their place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
        if getattr(sys, name) is None:
            stream = open(number, "r" if number == 0 else "w", closefd=False)  # noqa: SIM115  # until the end
            setattr(sys, name, stream)


@contextlib.contextmanager
def _reader_may_leave() -> Iterator[None]:
    """Leave as incomplete when the reader (`| head`) has gone; click would leave with 1, a finding.

    Nothing may be flushed to it at exit: https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    try:
        yield
    except BrokenPipeError:
        close_stdout()
        raise click.exceptions.Exit(FAILED) from None


def _flushed() -> bool:
    """Whether all that was said has been written."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        return False
    return True


def _no_command(word: str) -> str:
    if word.endswith((".py", ".ipynb")) or Path(word).is_file():
        return f"a command comes first: `samebits verify {word}`, or run, or record; see `samebits --help`."
    near = get_close_matches(word, commands(), 1)
    also = f"Did you mean {near[0]}?" if near else f"There are {', '.join(commands())}."
    return f"No such command {word!r}. {also}"


def _sentence(error: click.ClickException) -> str:
    if isinstance(error, click.BadOptionUsage) and error.option_name == "--json":
        return "--json takes the file to write, or - for the standard output: --json -"
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
@click.option("--no-config", is_flag=True, help="Read no [tool.samebits] of pyproject.toml.")
@click.pass_context
def app(ctx: click.Context, no_config: bool) -> None:
    """Same code, same seed, same bits; and when not, the operation that broke it.

    \b
    samebits run train.py --epochs 1
    samebits verify train.py --epochs 1
    samebits verify -m package.train
    samebits verify -- torchrun --nproc-per-node 2 train.py

    Options used every time may stand in pyproject.toml, under [tool.samebits] or [tool.samebits.verify].

    Exit code: 0 good, 1 a finding (the runs diverge, an operation is not stable), 2 an error, or something
    that was not seen to its end; of `run` the program's own.
    """
    name = ctx.invoked_subcommand
    if name is None:
        click.echo(ctx.get_help())
        return
    try:
        os.getcwd()
    except OSError as e:
        raise click.ClickException("the working folder is not there any more; change into another one") from e
    if not no_config and not ctx.meta.get(_HELP):  # help comes whatever stands there
        from samebits.cli._config import configured

        assert isinstance(ctx.command, click.Group)
        ctx.default_map = {name: configured(ctx.command, ctx, name)}


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """The installed script's entry; leaves by `SystemExit`."""
    app.main(argv)
