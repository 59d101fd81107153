"""Check that this machine computes what machines of its kind do."""

from __future__ import annotations

from typing import Final

import click

from samebits._runtime.text import clean
from samebits.cli._output import json_option, show
from samebits.errors import UsageError

ORDER: Final = 87  # of `samebits --help`


@click.command()
@click.option(
    "--device", default="cpu", show_default=True, metavar="DEVICE", help="Where: cpu, cuda or cuda:1."
)
@json_option
@click.pass_context
def selftest(ctx: click.Context, device: str, json_path: str | None) -> None:
    """Compute a fixed training step, and lay its bits beside those of known machines.

    Each operation of a fixed input is hashed by itself, and so are the weights after some steps. Integers
    and samebits' random numbers have the same bits on every machine. Sums and functions of floats have the
    bits of their kind: torch's version, the processor, its instructions. All of it runs twice, on one thread,
    whatever number is set.

    EQUAL: every bit is that of a known machine of this kind. UNKNOWN: no such machine is known, so floats
    were checked against nothing; the line that makes it known is printed. DIFFERENT: likewise, and another
    kind has other floats, which is no fault. CORRUPT: bits differ where they must be equal, and of what.

    \b
    Examples:
      samebits selftest
      samebits selftest --device cuda
      samebits selftest --json selftest.json

    Exit code: 0 equal, different or unknown, 1 corrupt, 2 an error.
    """
    try:
        from samebits.selftest import selftest as run
    except ModuleNotFoundError as error:
        raise UsageError(
            f"`samebits selftest` runs operations, and {error.name} is not installed."
        ) from error
    except (ImportError, OSError) as error:
        raise UsageError(
            f"`samebits selftest` runs operations, and torch cannot be imported: {clean(error)}"
        ) from error
    from samebits.report.selftest import print_selftest

    found = run(device)
    ctx.exit(show(found, lambda where: print_selftest(found, where), json_path))
