"""Which program to run: the words after the command's own options.

The first word that is not an option of samebits begins the program, and from
there on every word is the program's, `--help` included:

    SCRIPT [ARGS]...          a Python file
    -m MODULE [ARGS]...       a module, as `python -m` finds it
    -- COMMAND [ARGS]...      anything else, run as it stands
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click
from click.shell_completion import CompletionItem

from samebits.errors import UsageError
from samebits.model.seed import checked_seed

if TYPE_CHECKING:
    from samebits.launch import Program

_KEY = "samebits.program"
_PYTHON_KEY = "samebits.python"
_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


class ProgramCommand(click.Command):
    """A command that takes options and then a program."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own, kind, words = split(args, self._options_with_value(ctx))
        asked = self.checks(own)
        rest = super().parse_args(ctx, own)
        if ctx.resilient_parsing:  # a shell completes a line that is not whole yet
            ctx.meta[_KEY] = (kind, words)
            return rest
        if asked:
            check(kind, words, ctx)
        ctx.meta[_KEY] = (kind, words)
        return rest

    def checks(self, args: list[str]) -> bool:
        """Whether these options of the command ask for a program."""
        return True

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Options, and until the program's name is whole the files that may be it; then any file."""
        kind, words = ctx.meta.get(_KEY, ("script", ()))
        if words or kind != "script":
            return [CompletionItem(incomplete, type="file")]
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [CompletionItem(path) for path in scripts(incomplete)]

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return ["[OPTIONS] {SCRIPT | -m MODULE | -- COMMAND} [ARGS]..."]

    def _options_with_value(self, ctx: click.Context) -> frozenset[str]:
        options = (option for option in self.get_params(ctx) if isinstance(option, click.Option))
        return frozenset(name for option in options if not option.is_flag for name in option.opts)


def scripts(incomplete: str) -> list[str]:
    """The Python files and folders whose path begins so, as a shell completes it."""
    folder, begin = os.path.split(incomplete)
    try:
        entries = sorted(os.scandir(folder or "."), key=lambda entry: entry.name)
    except OSError:
        return []
    found = [entry for entry in entries if entry.name.startswith(begin)]
    shown = [entry for entry in found if begin.startswith(".") or not entry.name.startswith(".")]
    return [
        os.path.join(folder, entry.name) + (os.sep if entry.is_dir() else "")
        for entry in shown
        if entry.is_dir() or entry.name.endswith(".py")
    ]


def split(
    args: Sequence[str], with_value: frozenset[str]
) -> tuple[list[str], Literal["script", "module", "command"], tuple[str, ...]]:
    """The command's own options, what kind of program follows, and its words."""
    position = 0
    while position < len(args):
        word = args[position]
        if word == "--":
            return list(args[:position]), "command", tuple(args[position + 1 :])
        if word == "-m":
            return list(args[:position]), "module", tuple(args[position + 1 :])
        if word.startswith("-m") and not word.startswith("--"):
            return list(args[:position]), "module", (word[2:], *args[position + 1 :])
        if word == "-" or not word.startswith("-"):
            return list(args[:position]), "script", tuple(args[position:])
        position += 2 if word in with_value else 1
    return list(args), "script", ()


def check(kind: Literal["script", "module", "command"], words: tuple[str, ...], ctx: click.Context) -> None:
    """Refuse, with one sentence, a program that cannot be meant.

    Raises:
        click.UsageError: nothing to run, or not something that can be run.
    """
    if not words or not words[0]:
        what = {"script": "a script", "module": "a module's name after -m", "command": "a command after --"}[
            kind
        ]
        raise click.UsageError(f"what is to be run? Give {what}; see `{ctx.command_path} --help`.", ctx)
    from samebits.launch.target import fault

    if (found := fault(kind, words[0])) is not None:
        raise click.UsageError(found, ctx)


def chosen(ctx: click.Context) -> Program:
    """The program the command was given."""
    from samebits.launch import Program

    kind, words = ctx.meta[_KEY]
    return Program(kind=kind, target=words, python=ctx.meta.get(_PYTHON_KEY))


def _out_folder(ctx: click.Context, parameter: click.Parameter, value: Path) -> Path:
    if value.exists() and not value.is_dir():
        raise click.BadParameter(f"{str(value)!r} is not a folder.", ctx, parameter)
    return value


def _finite(ctx: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not 0 < value < float("inf"):
        raise click.BadParameter(f"{value} is not a number of seconds above 0.", ctx, parameter)
    return value


def _keep_python(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    ctx.meta[_PYTHON_KEY] = value


_PYTHON = click.option(
    "--python", metavar="PATH", expose_value=False, callback=_keep_python,
    help="The Python to run the program in; else the active environment's, else samebits' own.",
)  # fmt: skip

_OUT = click.option(
    "--out", type=click.Path(path_type=Path), default=Path(".samebits"), callback=_out_folder, metavar="DIR",
    show_default=True, help="Folder in which runs are kept.",
)  # fmt: skip


class _Seed(click.ParamType):  # type: ignore[type-arg]
    """A seed: digits alone, and then what `checked_seed` accepts."""

    name = "seed"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        number = int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,60}", value) else value
        try:
            return checked_seed(number, "--seed")
        except UsageError:
            self.fail(f"{value!r} is not a whole number of 0 .. 2**128 - 1.", param, ctx)


_PORTABLE = click.option(
    "--portable/--no-portable",
    default=False,
    help="The same random numbers and the same arithmetic on every machine: samebits.portable().",
)

_TIMEOUT = click.option(
    "--timeout",
    type=float,
    callback=_finite,
    metavar="SECONDS",
    help="Stop a run that takes longer than this.",
)

_RUN_OPTIONS = (
    click.option(
        "--steps", type=click.IntRange(min=1), metavar="N", help="Stop a run cleanly after N optimizer steps."
    ),
    click.option(
        "--seed", type=_Seed(), metavar="N",
        help="Seed everything with N before the program starts, as `samebits run` does.",
    ),
    click.option(
        "--deterministic/--no-deterministic", default=False,
        help="Make every operation deterministic, and fix the hash secret.",
    ),
    _PORTABLE,
    _PYTHON,
    _OUT,
    _TIMEOUT,
)  # fmt: skip


def out_option(function: _Decorated) -> _Decorated:
    """The option of every command that reads or writes runs."""
    return _OUT(function)


def timeout_option(function: _Decorated) -> _Decorated:
    """The option of every command that waits for a program."""
    return _TIMEOUT(function)


def seed_option(function: _Decorated) -> _Decorated:
    """The option of the command that runs a program under full control."""
    return click.option(
        "--seed", type=_Seed(), default=0, show_default=True, metavar="N", help="The seed of everything."
    )(function)


def python_option(function: _Decorated) -> _Decorated:
    """The option of every command that starts a program: which Python it runs in."""
    return _PYTHON(function)


def _only(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Names of parts of control, and of changes that make programs repeat."""
    if value is None:
        return None
    from samebits.control.changes import CHANGES
    from samebits.control.settings import PARTS

    known = {**PARTS, **{name: change.what for name, change in CHANGES.items() if change.mends}}
    names = [name.strip() for name in value.split(",") if name.strip()]
    for name in names:
        if name not in known:
            listed = "\n".join(f"  {each:16} {what}" for each, what in known.items())
            raise click.BadParameter(f"there is no part {name!r}; there are\n{listed}", ctx, parameter)
    if not names:
        raise click.BadParameter(f"it names parts, such as --only {','.join([*known][1:3])}", ctx, parameter)
    return tuple(dict.fromkeys(names))


def only_option(function: _Decorated) -> _Decorated:
    """The option of the command that controls a program: some parts of that alone."""
    return click.option(
        "--only", metavar="NAMES", callback=_only,
        help="Only these parts of it, as `samebits cure` names them: python, numpy, torch, hash-seed, ...",
    )(function)  # fmt: skip


def portable_option(function: _Decorated) -> _Decorated:
    """The option of every command that starts a program."""
    return _PORTABLE(function)


def run_options(function: _Decorated) -> _Decorated:
    """The options of every command that observes a program."""
    for option in reversed(_RUN_OPTIONS):
        function = option(function)
    return function
