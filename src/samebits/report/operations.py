"""Tables of the replaced operations on the terminal: what there is, and what was found stable."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from samebits._runtime.text import clean

_PIPE_WIDTH = 160


def operations(
    rows: Iterable[Any],
    speeds: Mapping[str, Mapping[str, Any]],
    other_names: Mapping[str, str],
    console: Console | None = None,
) -> None:
    """`samebits ops`: one line an operation of the dispatcher, grouped by the name that users know.

    `other_names` is what was asked for -> the name under which the table has what it runs.
    """
    table = _table("operation", "in the dispatcher", "PyTorch on CUDA", "samebits", "CPU", "CUDA", "since")
    last = None
    for row in rows:
        speed = speeds.get(row.schema, {})
        table.add_row(
            row.name if row.name != last else "",
            row.schema,
            str(row.torch) + (" (also on CPU)" if "cpu" in row.devices else ""),
            str(row.recipe) + (f", until torch {row.until}" if row.until else ""),
            _ratio(speed.get("cpu")),
            _ratio(speed.get("cuda")),
            row.since,
        )
        last = row.name
    console = _wide(console)
    console.print(table)
    for name, listed in other_names.items():
        text = f"{clean(name)} is listed as {listed}, which it runs, forward or backward."
        console.print(text, markup=False, highlight=False)


def stabilities(found: Iterable[Any], console: Console | None = None) -> None:
    """`samebits ops --check`: one line a case, then one sentence."""
    table = _table("operation", "case", "runs", "PyTorch", "samebits", "")
    every = list(found)
    for one in every:
        state = Text("stable", "green") if one.stable else Text(clean(one.error) or "NOT STABLE", "red")
        results = "-" if one.error else _results(one.samebits)
        case = Text(one.case)  # its brackets are no markup
        table.add_row(", ".join(one.names), case, str(one.runs), _results(one.torch), results, state)
    console = _wide(console)
    console.print(table)
    stable = sum(one.stable for one in every)
    unstable = sum(one.torch > 1 for one in every)
    console.print(
        f"{stable} of {len(every)} stable with samebits; PyTorch's own kernels differed in {unstable}.",
        highlight=False,
    )


def portable_operations(found: Iterable[Any], console: Console | None = None) -> None:
    """`samebits ops --portable`: one line an operation of the dispatcher, then how many of each kind."""
    table = _table("operation", "result", "formula")
    counts: Counter[str] = Counter()
    for one in found:
        table.add_row(
            one.operation, Text(one.kind, "red" if one.kind == "undefined" else ""), Text(one.formula)
        )
        counts[one.kind] += 1
    console = _wide(console)
    console.print(table)
    console.print(", ".join(f"{count} {kind}" for kind, count in counts.items()), highlight=False)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _wide(console: Console | None) -> Console:
    console = console or Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    return console


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}x"


def _results(count: int) -> str:
    return f"{count} result" + ("s" if count != 1 else "")
