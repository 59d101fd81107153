"""`samebits ops`: the operations that are made deterministic, and whether they are stable on this machine."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from samebits.cli.main import DIVERGED, FAILED, SAME
from samebits.errors import UsageError


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--check", is_flag=True, help="Run each on this machine and say which are stable.")
@click.option("--runs", type=click.IntRange(2), default=None, help="How often each is run (50).")
@click.option("--device", default=None, metavar="DEVICE", help="Where: cpu (the default), cuda, cuda:1.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of a table.")
@click.pass_context
def ops(
    ctx: click.Context,
    names: tuple[str, ...],
    check: bool,
    runs: int | None,
    device: str | None,
    as_json: bool,
) -> None:
    """List the operations that PyTorch has no deterministic kernel for, and what takes their place.

    samebits.deterministic() and `samebits run` put the replacements in where they are needed. CPU and CUDA
    are the time of ours as a multiple of that of PyTorch's own kernel, measured when this version was made.

    \b
    Examples:
      samebits ops
      samebits ops grid_sample interpolate
      samebits ops --check
      samebits ops --check --device cuda --json

    Exit code: with --check 1 if an operation is not stable, 2 if one raises; 2 if the command is wrong.
    """
    from samebits.determinism.settings import WORDS, meant
    from samebits.ops.speeds import speeds
    from samebits.ops.table import OPERATIONS

    for name in names:
        if name not in WORDS:
            raise UsageError(f"no operation is called {name!r}; {meant(name)}")
    names = tuple(WORDS[name] for name in names)
    if check:
        ctx.exit(_check(names, device, runs, as_json))
    for option, given in (("--runs", runs), ("--device", device)):
        if given is not None:
            raise UsageError(f"{option} belongs to --check, which runs the operations.")
    rows = [row for row in OPERATIONS if not names or row.name in names]
    measured = speeds()
    if as_json:
        listed = [asdict(row) | {"speed": measured.get(row.schema, {})} for row in rows]
        click.echo(json.dumps(listed, indent=2))
        return
    from samebits.report.operations import operations

    operations(rows, measured)


def _check(names: tuple[str, ...], device: str | None, runs: int | None, as_json: bool) -> int:
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
    if as_json:
        click.echo(json.dumps([asdict(one) | {"stable": one.stable} for one in found], indent=2))
    else:
        stabilities(found)
    if any(one.error for one in found):
        return FAILED
    return SAME if all(one.stable for one in found) else DIVERGED
