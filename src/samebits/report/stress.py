"""The perturbation matrix on the terminal: a line for each change, then what to do about each finding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from rich.console import Console
from rich.text import Text

from samebits._runtime.text import clean
from samebits.compare.verdict import said_line
from samebits.report.terminal import put, widened
from samebits.trials.stress.matrix import PAIR, Matrix
from samebits.trials.stress.row import TrialRow, Word
from samebits.trials.stress.weights import Reach

_STYLES: Final[dict[str, str]] = {
    "ok": "green",
    "finding": "bold red",
    "may": "cyan",
    "did not apply": "dim",
    "failed": "bold magenta",
    "missing": "bold yellow",
    "findings": "bold red",
    "incomplete": "bold yellow",
}
_WORDS: Final[dict[Word, str]] = {"finding": "FINDING", "failed": "FAILED", "missing": "MISSING"}
_HEADS: Final = ("change", "should reach", "reaches the weights", "")
_GAP: Final = "  "


def print_matrix(
    matrix: Matrix,
    console: Console | None = None,
    *,
    detail: Literal["quiet", "normal", "verbose"] = "normal",
) -> None:
    """Prints a matrix for a person; to standard output unless a console is given.

    "quiet" is its one line; "verbose" says of every row what was done and where it enters.
    """
    console = widened(console)
    word = {"ok": "OK", "findings": "FINDINGS", "incomplete": "INCOMPLETE"}[matrix.verdict]
    head = Text.assemble((word, _STYLES[matrix.verdict]), "  ", (clean(matrix.headline), "bold"))
    put(console, head)
    if detail == "quiet":
        return
    if matrix.rows:
        console.print()
        _table(console, matrix.rows)
    for row in matrix.rows:
        if row.word in ("finding", "failed") or (detail == "verbose"):
            _told(console, row)
    others = [row for row in matrix.rows if row.word == "did not apply"]
    if others and detail != "verbose":
        console.print()
        for row in others:
            put(console, f"{row.name} did not apply: {clean(row.sentence)}.", style="dim")
    if matrix.twins:
        console.print()
        put(console, "Random streams that are one and the same:", style="bold")
        for twin in matrix.twins:
            put(console, f"- {clean(twin.sentence())}.", 2)
    console.print()
    if matrix.rows:
        put(console, PAIR, style="dim")
    if matrix.reason is not None and matrix.rows:
        put(console, f"Not all is known: {clean(matrix.reason)}.", style="yellow")
    put(console, f"Kept in {clean(matrix.folder)}", style="dim")


def _table(console: Console, rows: Sequence[TrialRow]) -> None:
    cells = [(row.name, row.should, _reached(row), _WORDS.get(row.word, row.word)) for row in rows]
    widths = [max(len(line[at]) for line in (_HEADS, *cells)) for at in range(3)]
    for number, line in enumerate([_HEADS, *cells]):
        text = Text()
        for at, cell in enumerate(line):
            style = "dim" if number == 0 else _STYLES[rows[number - 1].word] if at == 3 else ""
            text.append(cell.ljust(widths[at]) + _GAP if at < 3 else cell, style=style)
        text.rstrip()
        console.print(text, highlight=False, soft_wrap=True)


def _reached(row: TrialRow) -> str:
    """ "no", "from step 4, 1e-07 -> 3e-04 of their size", "-"."""
    reach = row.reach
    if reach is None or reach.weights is None:
        return "-"
    if not reach.weights:
        return "no"
    return f"from step {reach.first_step:,}{_growth(reach)}" if reach.first_step is not None else "at the end"


def _growth(reach: Reach) -> str:
    if reach.begins is None or reach.ends is None:
        return ""
    return f", {_size(reach.begins)} -> {_size(reach.ends)}"


def _size(part: float) -> str:
    return "0" if part == 0 else f"{part:.0e}" if part < 0.01 else f"{part:.0%}"


def _told(console: Console, row: TrialRow) -> None:
    console.print()
    title = Text.assemble((row.name, _STYLES[row.word]), ("  " + row.what, "dim"))
    put(console, title)
    for did in row.did[:4]:
        put(console, clean(did), 2)
    if len(row.did) > 4:
        put(console, f"and {len(row.did) - 4} more", 2, "dim")
    if row.at:
        put(console, f"enters at {clean(row.at)}", 2)
    for cause in row.causes[:1]:
        at = "" if cause["file"] is None else f" at {said_line(cause['file'], cause['line'])}"
        put(console, clean(f"probably by {cause['cause']}{at}: {cause['why']}"), 2)
    reach = row.reach
    if reach is not None and reach.weights:
        parts = [
            f"{name} {_number(a)} | {_number(b)}"
            for name, (a, b) in (("last loss", reach.loss), ("norm of the weights", reach.norm))
            if a is not None or b is not None
        ]
        put(console, "; ".join(parts), 2, "dim")
    if row.sentence:
        put(console, clean(row.sentence[:1].upper() + row.sentence[1:]), 2)
    if row.run is not None and row.word != "ok":
        put(console, f"run {row.run}", 2, "dim")


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.6g}"
