"""Writes src/samebits/model/operators.json, the table of replaced operations, as the files of ops declare it.

    python -m tools.operators [--check]

A file of `samebits.ops` that has a replacement declares its rows (`REPLACES`) and how they are reached
(`CASES`).  The command line and the causes read the rows without torch, so they are written down here.  With
`--check` nothing is written, and a table that is not up to date is an error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace

from samebits.model.operators import GENERATED, Operation
from samebits.ops import families


def declared() -> Iterator[Operation]:
    """The rows of all families, in the order of their files.

    Raises:
        ValueError: a row without a function, an operation in two rows, a case of an operation without a row.
    """
    seen: dict[str, str] = {}
    for module in families():
        file = module.__name__.rpartition(".")[2]
        rows: tuple[Operation, ...] = module.REPLACES
        for row in rows:
            if not hasattr(module, row.function):
                raise ValueError(f"ops/{file}.py declares {row.schema} and has no function {row.function}")
            for schema in (row.schema, *row.variants):
                if schema in seen:
                    raise ValueError(f"{schema} is declared in ops/{seen[schema]}.py and in ops/{file}.py")
                seen[schema] = file
            yield replace(row, file=file)
        for case in module.CASES:
            if strange := set(case.schemas) - {row.schema for row in rows}:
                raise ValueError(
                    f"ops/{file}.py has a case ({case.name}) of {min(strange)}, but no row of that name"
                )


def text() -> str:
    """The table as it is written."""
    document = {
        "made_by": "tools/operators.py, from what the files of samebits.ops declare; edit those",
        "operations": [row.written() for row in declared()],
    }
    return json.dumps(document, indent=1) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 if it is not up to date"
    )
    chosen = parser.parse_args(arguments)
    made = text()
    if not chosen.check:
        GENERATED.write_text(made, encoding="utf-8")
    elif GENERATED.read_text(encoding="utf-8") != made:
        print(
            "src/samebits/model/operators.json is not up to date; run python -m tools.operators",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
