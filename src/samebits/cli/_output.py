"""Where results go: what a person reads to the terminal, the JSON to a file or to the standard output.

`--json PATH|-` means the same in every command: the whole result as one JSON document with a `format` and a
`version`, written beside what a person reads.
With `--json -` the standard output carries JSON and nothing
else, so the report, and all that the observed program prints, goes to the standard error.  It always takes
its value: an optional one would swallow the word after it, `--json train.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import click

from samebits._runtime.whole import write_there
from samebits.cli._detail import Detail

if TYPE_CHECKING:
    from rich.console import Console

    from samebits.compare.verdict import Verdict
    from samebits.metrics.verdict import MetricsVerdict

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


def writable(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Refuse before the runs what could not be written after them."""
    if value is None or value == "-":
        return value
    path = Path(value)
    if not value or value.startswith("-") or path.suffix in (".py", ".ipynb"):
        raise click.BadParameter(
            f"it takes the file to write, or - for the standard output, and {value!r} is none: --json - ...",
            ctx,
            parameter,
        )
    checked_path(ctx, parameter, value)
    return value


def checked_path(ctx: click.Context, parameter: click.Parameter, value: str) -> None:
    """That a file of this path can be written.

    Raises:
        click.BadParameter: it cannot.
    """
    path = Path(value)
    try:
        is_folder = path.is_dir()
    except (OSError, ValueError) as error:  # a name that is too long, or holds a zero byte
        why = error.strerror if isinstance(error, OSError) else error
        raise click.BadParameter(f"no file can be called {value[:80]!r}: {why}.", ctx, parameter) from error
    if is_folder:
        raise click.BadParameter(f"{value!r} is a folder; give a file.", ctx, parameter)
    if not path.parent.is_dir():
        raise click.BadParameter(f"there is no folder {str(path.parent)!r} to write it in.", ctx, parameter)
    if not os.access(path.parent, os.W_OK):
        raise click.BadParameter(f"the folder {str(path.parent)!r} cannot be written to.", ctx, parameter)


def keep_apart(
    ctx: click.Context, written: Sequence[str | os.PathLike[str] | None], read: Sequence[Path]
) -> None:
    """That what is written replaces nothing that is read, nor another thing that is written.

    Raises:
        click.UsageError: it would.
    """
    names = [os.fspath(path) for path in written if path is not None and path != "-"]
    if len({os.path.abspath(name) for name in names}) < len(names):
        raise click.UsageError(f"{names[0]!r} is given for two files; name another one.", ctx)
    for name in names:
        for path in read:
            if os.path.exists(name) and Path(name).resolve().is_relative_to(path.resolve()):
                raise click.UsageError(f"{name!r} is one of what is read; name another file to write.", ctx)


def json_option(function: _Decorated) -> _Decorated:
    """`--json PATH|-`."""
    return click.option(
        "--json", "json_path", metavar="PATH|-", callback=writable,
        help="Also write the result as JSON to PATH; - is stdout, and the report then goes to stderr.",
    )(function)  # fmt: skip


@contextlib.contextmanager
def stdout_kept_for_json(json_path: str | None) -> Iterator[None]:
    """While it lasts, what this process or a program it starts prints goes to the standard error."""
    if json_path != "-":
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def deliver(verdict: Verdict, json_path: str | None, detail: Detail = "normal") -> int:
    """Show the verdict, write its JSON if asked, and return the exit code.

    A reader that leaves (`| head`) changes nothing of what was found, and so nothing of the code.
    """
    from samebits.report import print_verdict

    return show(verdict, lambda where: print_verdict(verdict, where, detail=detail), json_path)


def deliver_metrics(verdict: MetricsVerdict, json_path: str | None, detail: Detail = "normal") -> int:
    """As `deliver`: the verdict over what runs logged."""
    from samebits.report.metrics import print_metrics

    return show(verdict, lambda where: print_metrics(verdict, where, detail=detail), json_path)


class Result(Protocol):
    """What a command found: a document, and the code to exit with."""

    @property
    def exit_status(self) -> int: ...

    def as_json(self) -> dict[str, Any]: ...


def show(
    result: Result,
    printed: Callable[[Console], None],
    json_path: str | None,
    *,
    aside: str | None = None,
) -> int:
    """Show a result, write its JSON if asked, and return the exit code.

    ``aside``: "-" where something else than the JSON has the standard output to itself.
    """
    aside = aside or json_path
    try:
        printed(console(aside))
    except BrokenPipeError:
        if aside != "-":
            close_stdout()
    try:
        write_json(result.as_json(), json_path)
    except BrokenPipeError:
        close_stdout()
    return result.exit_status


def close_stdout() -> None:
    """What is left for the standard output goes nowhere; Python would complain about it as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def console(json_path: str | None) -> Console:
    """Where a person reads the result: the standard output, unless that is for JSON alone."""
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            """rich would exit with 1, which here means that runs diverge."""
            raise BrokenPipeError

    return Piped(stderr=json_path == "-", highlight=False)


def write_page(document: dict[str, Any], path: Path) -> None:
    """Write the report of a document."""
    from samebits.report.html import page

    try:
        write_there(path, page(document).encode())
    except OSError as error:
        raise click.ClickException(f"{str(path)!r} could not be written: {error.strerror}.") from error


def write_json(document: dict[str, Any], json_path: str | None) -> None:
    """Write the result as JSON, if asked."""
    if json_path is None:
        return
    write(f"{json.dumps(document, indent=2, allow_nan=False, default=str)}\n".encode(), json_path)


def write(data: bytes, path: str) -> None:
    """Write a file, or with "-" the standard output."""
    if path == "-":
        click.echo(data, nl=False)
        return
    try:
        write_there(Path(path), data)
    except OSError as error:
        raise click.ClickException(f"{path!r} could not be written: {error.strerror}.") from error
