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
@click.option(
    "--portable", is_flag=True, help="What each operation of this torch is under samebits.portable()."
)
@json_option
@click.pass_context
def ops(
    ctx: click.Context,
    names: tuple[str, ...],
    check: bool,
    runs: int | None,
    device: str | None,
    portable: bool,
    json_path: str | None,
) -> None:
    """List the operations that PyTorch has no deterministic kernel for, and what takes their place.

    The table has the operations whose kernel in PyTorch gives other bits from run to run on some device, or
    has a deterministic form that is slow. What has no row is left to PyTorch. samebits.deterministic() and
    `samebits run` put the replacements in where they are needed. CPU and CUDA are the time of ours as a
    multiple of that of PyTorch's own kernel, measured when this version was made; - was not measured.

    NAME is any of torch's names: a function, a method, a module, or what the dispatcher calls it.

    With --portable every operation that has a kernel for the CPU is listed: defined (by a formula of ours),
    exact (copies, integers, one rounding an element), composed (of others), random (of samebits.random), or
    undefined, which samebits.portable() refuses. NAME is then what the dispatcher calls it.

    \b
    Examples:
      samebits ops
      samebits ops grid_sample torch.nn.Upsample index_select
      samebits ops --check
      samebits ops --check --device cuda --json stable.json
      samebits ops --portable layer_norm add

    Exit code: 0; with --check 1 if an operation is not stable, 2 if one raises; 2 if the command is wrong.
    """
    from samebits.model.operators import OPERATIONS, has_other_name, meant, table_name
    from samebits.ops.speeds import speeds

    if portable:
        for option, asked in (
            ("--check", check),
            ("--runs", runs is not None),
            ("--device", device is not None),
        ):
            if asked:
                raise UsageError(f"{option} does not go with --portable, which runs nothing.")
        _portable(names, json_path)
        return
    wanted = {}
    for name in names:
        if (listed := table_name(name)) is None:
            raise UsageError(f"the table has no {name!r}: {meant(name)}")
        wanted[name] = listed
    if json_path is not None and table_name(json_path) is not None:
        raise UsageError(f"--json takes the file to write, or -: --json - {json_path}")
    if check:
        ctx.exit(_check(names, device, runs, json_path))
    for option, given in (("--runs", runs), ("--device", device)):
        if given is not None:
            raise UsageError(f"{option} belongs to --check, which runs the operations.")
    rows = [row for row in OPERATIONS if not wanted or row.name in wanted.values()]
    measured = speeds()
    from samebits.report.operations import operations

    other_names = {name: listed for name, listed in wanted.items() if has_other_name(name)}
    operations(rows, measured, other_names, console(json_path))
    written = [asdict(row) | {"speed": measured.get(row.schema, {})} for row in rows]
    write_json({"format": "samebits.operations", "version": 1, "operations": written}, json_path)


def _portable(names: tuple[str, ...], json_path: str | None) -> None:
    try:
        from samebits.arithmetic.table import listed, plain
    except ModuleNotFoundError as error:
        raise UsageError(
            f"`samebits ops --portable` asks torch, and {error.name} is not installed."
        ) from error
    from samebits.report.operations import portable_operations

    found = listed(names)
    for name in names:
        if not any(plain(one.operation) == plain(name) for one in found):
            raise UsageError(
                f"no operation of torch's dispatcher with a kernel for the CPU is called {name!r}; functions "
                "that call several have no line of their own. `samebits ops --portable` lists all."
            )
    portable_operations(found, console(json_path))
    written = [asdict(one) for one in found]
    write_json({"format": "samebits.portable-operations", "version": 1, "operations": written}, json_path)


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
