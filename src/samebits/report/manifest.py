"""Manifests on the terminal: how two differ, ranked by what that does to bits; and one, with its faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from samebits._runtime.text import clean
from samebits.manifest.diff import RankedDifference, flat
from samebits.manifest.doctor import Diagnosis
from samebits.manifest.effects import strongest
from samebits.manifest.lines.line import said
from samebits.report.terminal import put, widened

_STYLES: Final = {"certain": "bold red", "likely": "red", "possible": "yellow", "none": "dim"}
_VERDICTS: Final = {"breaks": "bold red", "fragile": "yellow"}
_INDENT: Final = 10
_LONGEST: Final = 100


def print_differences(
    rows: Sequence[RankedDifference], names: Sequence[str], console: Console | None = None
) -> None:
    """What differs, the strongest effect first; to standard output unless a console is given."""
    console = widened(console)
    effect = strongest(row.effect for row in rows)
    count = sum(row.effect != "none" for row in rows)
    words = (
        f"{count} of {len(rows)} differences can change bits"
        if count
        else "nothing that changes bits differs"
    )
    put(console, Text.assemble((effect.upper(), _STYLES[effect]), "  ", (words, "bold")))
    put(console, f"A is {clean(names[0])}, B is {clean(names[1])}", style="dim")
    for row in rows:
        console.print()
        head = Text.assemble((f"{row.effect:<{_INDENT}}", _STYLES[row.effect]), (clean(row.key), "bold"))
        console.print(head, highlight=False, soft_wrap=True)
        put(console, f"A {_shown(row.a)}", _INDENT)
        put(console, f"B {_shown(row.b)}", _INDENT)
        put(console, f"{row.why[:1].upper()}{clean(row.why[1:])}.", _INDENT, "dim")
        for one in row.follow:
            put(console, f"with {clean(one.key)}: {_shown(one.a)} | {_shown(one.b)}", _INDENT, "dim")


def print_manifest(manifest: Mapping[str, Any], found: Diagnosis, console: Console | None = None) -> None:
    """Every row, and then the lines of the doctor that are not fine."""
    console = widened(console)
    for key, value in flat(manifest):
        console.print(
            Text.assemble((f"{clean(key)}  ", "dim"), _shown(value)), highlight=False, soft_wrap=True
        )
    for line in found.lines:
        if line.verdict != "fine":
            console.print()
            head = Text.assemble((f"{line.verdict:<{_INDENT}}", _VERDICTS[line.verdict]), (line.name, "bold"))
            console.print(head + Text(f"  {clean(line.value)}"), highlight=False, soft_wrap=True)
            put(console, clean(line.why), _INDENT)


def _shown(value: Any) -> str:
    text = clean(" ".join(map(str, value)) if isinstance(value, list) else said(value))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
