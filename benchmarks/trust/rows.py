"""A row of the trust table: what was tried, how often, and how often samebits was wrong.

Every part of `benchmarks.trust` is a module with

- ``run(count, seed, folder) -> list[Row]``: try it ``count`` times (None: as often as the whole benchmark
  does) with what ``seed`` makes of it, in ``folder``, which exists; and
- ``main(argv) -> int``: the same from the command line (`main` below), 0 where nothing was wrong.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """``wrong`` of ``tried`` were wrong; ``detail`` says how, or what else there is to say."""

    what: str
    tried: int
    wrong: int
    detail: str = ""


Part = Callable[[int | None, int, Path], list[Row]]


def options(description: str | None) -> argparse.ArgumentParser:
    """The options that every part understands."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, help="how often each part tries; the whole benchmark by default")
    parser.add_argument("--seed", type=int, default=0, help="of what is chosen at random; 0")
    parser.add_argument("--folder", type=Path, help="where records are kept; a temporary one by default")
    return parser


def show(rows: Sequence[Row]) -> None:
    """The table, one line a row, with the detail of what was wrong below."""
    width = max((len(row.what) for row in rows), default=4)
    print(f"{'what':{width}} {'tried':>7} {'wrong':>7}")
    for row in rows:
        print(f"{row.what:{width}} {row.tried:7,} {row.wrong:7,}")
        for line in row.detail.splitlines():
            print(f"    {line}")


def main(part: Part, description: str | None, argv: Sequence[str] | None = None) -> int:
    """Run one part from the command line: 0 where something was tried and nothing was wrong, else 1."""
    chosen = options(description).parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="trust-") as scratch:
        folder = chosen.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        rows = part(chosen.count, chosen.seed, folder)
    show(rows)
    return 0 if rows and not any(row.wrong for row in rows) else 1
