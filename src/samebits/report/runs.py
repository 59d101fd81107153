"""Kept runs on the terminal: a table of them, and one in full.  In a pipe they are plain columns of text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from samebits._runtime.text import clean
from samebits.report.curves import spark

_PIPE_WIDTH: Final = 200
_STYLES: Final = {"finished": "green", "stopped": "green", "failed": "red", "timeout": "red", "lost": "red"}
_VERDICTS: Final = {"same": "green", "diverged": "red", "failed": "magenta", "incomplete": "yellow"}
#: What of a manifest tells one machine from another at a glance.
_SHORT: Final = (
    ("samebits",), ("python",), ("libraries", "torch"), ("libraries", "numpy"), ("torch", "cuda"),
    ("machine", "system"), ("machine", "cpu"), ("machine", "cores"), ("torch", "threads"),
    ("torch", "capability"), ("flags", "deterministic_algorithms"),
)  # fmt: skip


def print_runs(rows: Sequence[Mapping[str, Any]], console: Console) -> None:
    """A table: id, age, status, steps, size, loss, verdict, command."""
    _widened(console)
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for name in ("id", "age", "status", "steps", "size", "loss", "verdict"):
        right = name in ("age", "steps", "size")
        table.add_column(name, no_wrap=True, justify="right" if right else "left")
    table.add_column("command", overflow="ellipsis", no_wrap=True)
    drawn = console.encoding.lower().startswith("utf")
    for row in rows:
        verdict = row["verdict"] or "-"
        table.add_row(
            Text(clean(row["id"])),
            Text(age(row["age"])),
            Text(clean(row["status"]), _STYLES.get(str(row["status"]), "yellow")),
            Text("-" if row["steps"] is None else f"{row['steps']:,}"),
            Text(size(row["bytes"])),
            Text(_loss(row["losses"]) if drawn else "", "cyan"),
            Text(clean(verdict)[:20], _VERDICTS.get(str(verdict), "")),
            Text(clean(" ".join(row["argv"])) or "?"),
        )
    console.print(table)


def _loss(losses: Sequence[float | None]) -> str:
    """A run's loss in one line: where it was, how it went, where it ended."""
    if not losses:
        return "-"
    last = losses[-1]
    end = "nan" if last is None else f"{last:.3g}"
    return f"{spark([math.nan if value is None else value for value in losses])} {end}"


def print_run(run: Mapping[str, Any], console: Console) -> None:
    """What ran, when, how it ended, and what each of its processes recorded."""
    _widened(console)
    info = run["info"]
    seconds, code = info.get("seconds"), info.get("exit_code")
    ended = str(run["status"])
    ended += "" if code is None else f", exit code {code}"
    ended += f", after {seconds:.1f} s" if isinstance(seconds, int | float) else ""
    rows = [
        ("run", run["id"]),
        ("command", " ".join(run["argv"]) or "?"),
        ("in", info.get("cwd") or "?"),
        ("created", f"{run['created']} ({age(run['age'])} ago)"),
        ("ended", ended),
        ("level", run["level"] or "?"),
        ("steps", "?" if run["steps"] is None else f"{run['steps']:,}"),
        ("size", f"{size(run['bytes'])} in {run['path']}"),
    ]
    if run["verify"]:
        rows.append(("verify", f"{run['verify']}, verdict {run['verdict'] or 'not known'}"))
    if isinstance(seed := run["plan"].get("seed"), int):
        rows.append(("seed", str(seed)))
    for name, value in rows:
        console.print(Text(f"{name:<10}", "dim") + Text(clean(value)), soft_wrap=True)
    console.print(Text("processes", "bold"))
    if not run["processes"]:
        console.print(Text("  none left a record"))
    for one in run["processes"]:
        if "process" not in one:
            console.print(Text(f"  {clean(one['file'])}: {clean(one['error'])}", "red"), soft_wrap=True)
            continue
        line = (
            f"  {clean(one['process'])}: rank {one['rank']}, {clean(one['status'])}, {one['steps']:,} "
            f"steps, {one['events']:,} events, {size(one['bytes'])}"
        )
        line += f", observer {clean(one['observer'])}" if one["observer"] else ""
        strides = [stride for _, stride in one["schedule"] or ()]
        line += f", read in turn over {max(strides)} steps" if max(strides, default=1) > 1 else ""
        line += f"; {clean(one['error'])}" if one["error"] else ""
        console.print(Text(line), soft_wrap=True)
    known = [(path, value) for path in _SHORT if (value := _at(run["manifest"], path)) is not None]
    if known:
        console.print(Text("environment", "bold"))
    for path, value in known:
        console.print(Text(f"  {path[-1]}: {clean(value)[:200]}"), soft_wrap=True)


def age(seconds: float) -> str:
    """ "12 s", "5 min", "3 h", "8 d"."""
    for limit, unit, name in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds // unit)} {name}"
    return f"{int(seconds // 86400):,} d"


def size(count: float) -> str:
    """ "512 B", "1.2 MB"; thousands, as disks are sold."""
    if count < 1000:
        return f"{int(count)} B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.5:
            return f"{count:.1f} {unit}" if count < 99.95 else f"{count:.0f} {unit}"
    return f"{count / 1000:,.1f} TB"


def _at(data: Any, path: Sequence[str]) -> Any:
    for name in path:
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def _widened(console: Console) -> None:
    if not console.is_terminal and console.width < _PIPE_WIDTH:
        console.width = _PIPE_WIDTH
