"""The doctor on the terminal: what is in force, line by line, why that is fine or not, and what mends it."""

from __future__ import annotations

import shlex
from typing import Final

from rich.console import Console
from rich.text import Text

from samebits._runtime.text import clean
from samebits.manifest.doctor import Diagnosis
from samebits.manifest.lines.line import DoctorLine
from samebits.report.terminal import put, widened

_STYLES: Final = {"breaks": "bold red", "fragile": "yellow", "fine": "green"}
_INDENT: Final = 9


def print_diagnosis(found: Diagnosis, console: Console | None = None) -> None:
    """Prints it for a person; to standard output unless a console is given."""
    console = widened(console)
    put(
        console,
        Text.assemble((found.verdict.upper(), _STYLES[found.verdict]), "  ", (found.headline, "bold")),
    )
    console.print()
    width = max((len(line.name) for line in found.lines), default=0)
    for line in found.lines:
        _line(console, line, width)
    if found.exports():
        console.print()
        put(console, 'The variables are set by: eval "$(samebits doctor --fix-env)"', style="dim")
    if found.verdict == "fragile":
        put(console, "What is fragile repeats here, and does not change the exit code.", style="dim")


def _line(console: Console, line: DoctorLine, width: int) -> None:
    head = Text.assemble(
        (f"{line.verdict:<{_INDENT}}", _STYLES[line.verdict]),
        (f"{line.name:<{width}}  ", "bold" if line.verdict != "fine" else ""),
        clean(line.value),
    )
    console.print(head, highlight=False, soft_wrap=True)
    put(console, clean(line.why), _INDENT, "dim" if line.verdict == "fine" else "")
    for name, value in line.exports.items():
        put(console, f"export {name}={clean(shlex.quote(value))}", _INDENT, "cyan")
    if line.mend:
        put(console, clean(line.mend), _INDENT, "cyan")
