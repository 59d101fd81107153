"""Run a program fully seeded, with deterministic algorithms.

It is under full control, and nothing else: no record is kept.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Final

import click

from samebits.cli._program import (
    ProgramCommand,
    chosen,
    only_option,
    portable_option,
    python_option,
    seed_option,
)
from samebits.control.settings import PARTS, Control
from samebits.determinism.environment import HASH_SECRET, deterministic_environment

if TYPE_CHECKING:
    from samebits.launch import Program

ORDER: Final = 10  # of `samebits --help`


@click.command(cls=ProgramCommand)
@seed_option
@click.option(
    "--deterministic/--no-deterministic", default=True, show_default=True,
    help="Make every operation deterministic; `samebits ops` lists what is replaced.",
)  # fmt: skip
@portable_option
@only_option
@python_option
@click.option("-q", "--quiet", is_flag=True, help="Leave out the line on stderr that says what is set.")
@click.pass_context
def run(
    ctx: click.Context,
    seed: int,
    deterministic: bool,
    portable: bool,
    only: tuple[str, ...] | None,
    quiet: bool,
) -> None:
    """Run a program so that it repeats, without a change to it.

    Before it starts, the hash secret and cuBLAS's workspace are fixed. In it, in its workers and in every
    rank, Python, numpy, torch and other libraries are seeded; generators and DataLoaders that it leaves
    unseeded get seeds derived from N; every operation is made deterministic. What the program seeds
    itself stays. `samebits verify --seed N --deterministic` runs it the same way, and compares.

    \b
    Examples:
      samebits run train.py --epochs 1
      samebits run --seed 7 -m package.train
      samebits run -- torchrun --nproc-per-node 2 train.py
      samebits run --portable train.py --device cuda
      samebits run --only numpy,loaders train.py

    Exit code: the program's own; 2 also if the command is wrong. Options that are used every time may stand
    in pyproject.toml, under [tool.samebits.run].
    """
    program = chosen(ctx)
    if only is None:
        control = Control(seed, deterministic, portable)
    elif portable:
        raise click.UsageError(
            "--only leaves out all that it does not name; --portable is no part of it.", ctx
        )
    else:
        changes = [name for name in only if name not in PARTS]
        control = Control.of([name for name in only if name in PARTS], seed, changes)
    line = None if quiet else f"{ctx.command_path}: {_line(control, seed, program)}"
    program.become(control, line)


def _line(control: Control, seed: int, program: Program) -> str:
    """What is set, and the command that repeats it."""
    from samebits.manifest import redacted

    if control.only is not None or control.changes:
        names = [*(control.only or ()), *control.changes]
        command = ["samebits", "run", "--seed", str(seed), "--only", ",".join(names), *_python(program)]
        said = f"seed {seed}, {', '.join(names)} alone"
        return f"{said}; repeat with: {shlex.join([*command, *redacted(program.words())])}"
    secret = deterministic_environment(seed, os.environ)[HASH_SECRET]
    kept = secret == os.environ.get(HASH_SECRET) and secret != str(seed % 2**32)
    parts = [
        f"seed {seed}",
        f"hash secret {secret}" + (f" (from {HASH_SECRET})" if kept else ""),
        "deterministic algorithms" if control.deterministic else "algorithms as they are",
        *(["results of every machine alike"] if control.portable else []),
    ]
    command = [
        *([f"{HASH_SECRET}={secret}"] if kept else []),
        *("samebits", "run", "--seed", str(seed)),
        *([] if control.deterministic else ["--no-deterministic"]),
        *(["--portable"] if control.portable else []),
        *_python(program),
    ]
    return f"{', '.join(parts)}; repeat with: {shlex.join([*command, *redacted(program.words())])}"


def _python(program: Program) -> list[str]:
    return ["--python", program.python] if program.python is not None else []
