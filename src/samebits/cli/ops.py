"""List the operations made deterministic; --check runs them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import click

from samebits.cli._output import console, json_option, write_json
from samebits.cli.main import DIVERGED, FAILED, SAME
from samebits.errors import UsageError

ORDER: Final = 90  # of `samebits --help`


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--check", is_flag=True, help="Run each on this machine and say which are stable.")
@click.option("--runs", type=click.IntRange(2), default=None, help="How often each is run (50).")
@click.option("--device", default=None, metavar="DEVICE", help="Where: cpu (the default), cuda, cuda:1.")
@json_option
@click.pass_context
def ops(
    ctx: click.Context,
    names: tuple[str, ...],
    check: bool,
    runs: int | None,
    device: str | None,
    json_path: str | None,
) -> None:
    """List the operations that PyTorch has no deterministic kernel for, and what takes their place.

    samebits.deterministic() and `samebits run` put the replacements in where they are needed. CPU and CUDA
    are the time of ours as a multiple of that of PyTorch's own kernel, measured when this version was made.

    \b
    Examples:
      samebits ops
      samebits ops grid_sample interpolate
      samebits ops --check
      samebits ops --check --device cuda --json stable.json

    Exit code: 0; with --check 1 if an operation is not stable, 2 if one raises; 2 if the command is wrong.
    """
    from samebits.determinism.settings import WORDS, meant
    from samebits.model.operators import OPERATIONS
    from samebits.ops.speeds import speeds

    for name in names:
        if name not in WORDS:
            raise UsageError(f"no operation is called {name!r}; {meant(name)}")
    if json_path in WORDS:
        raise UsageError(f"--json takes the file to write, or -: --json - {json_path}")
    names = tuple(WORDS[name] for name in names)
    if check:
        ctx.exit(_check(names, device, runs, json_path))
    for option, given in (("--runs", runs), ("--device", device)):
        if given is not None:
            raise UsageError(f"{option} belongs to --check, which runs the operations.")
    rows = [row for row in OPERATIONS if not names or row.name in names]
    measured = speeds()
    from samebits.report.operations import operations

    operations(rows, measured, console(json_path))
    listed = [asdict(row) | {"speed": measured.get(row.schema, {})} for row in rows]
    write_json({"format": "samebits.operations", "version": 1, "operations": listed}, json_path)


def _check(names: tuple[str, ...], device: str | None, runs: int | None, json_path: str | None) -> int:
    try:
        from samebits.determinism.check import selected, stability
    except ModuleNotFoundError as error:
        raise UsageError(
            f"`samebits ops --check` runs operations, and {error.name} is not installed."
        ) from error
    from rich.console import Console
    from rich.progress import track

    from samebits.report.operations import stabilities

    every = stability(names, device=device or "cpu", runs=runs or 50)
    watched = Console(stderr=True)
    count = len(selected(names))
    found = list(
        track(every, "operations", count, console=watched, transient=True, disable=not watched.is_terminal)
    )
    stabilities(found, console(json_path))
    checked = [asdict(one) | {"stable": one.stable} for one in found]
    write_json({"format": "samebits.stability", "version": 1, "operations": checked}, json_path)
    if any(one.error for one in found):
        return FAILED
    return SAME if all(one.stable for one in found) else DIVERGED
