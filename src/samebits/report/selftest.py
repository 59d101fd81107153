"""The self-test on the terminal: what is wrong or merely different, and the line to add to the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from samebits._runtime.text import clean
from samebits.manifest.lines.line import said
from samebits.report.terminal import put, widened

if TYPE_CHECKING:
    from samebits.selftest.outcome import SelfTest

_STYLES: Final = {"equal": "green", "different": "cyan", "unknown": "yellow", "corrupt": "bold red"}
_CORRUPT: Final = (
    "The same operations, in the same order, on the same kind of machine gave other bits. Run it again; if "
    "it stays, suspect the processor or the memory, and then what the kind of a machine does not name."
)


def print_selftest(found: SelfTest, console: Console | None = None) -> None:
    """Prints it for a person; to standard output unless a console is given."""
    console = widened(console)
    put(console, Text.assemble((found.word.upper(), _STYLES[found.word]), "  ", (found.headline, "bold")))
    for wrong in found.wrong:
        put(console, f"- {wrong.sentence}: {wrong.got}, not {wrong.expected}", 2, "red")
    if found.wrong:
        put(console, _CORRUPT)
    if found.different:
        put(console, f"differ: {', '.join(found.different)}", 2)
    for name, (here, there) in found.other_rows.items():
        put(console, f"{name}: {clean(said(here))} here, {clean(said(there))} there", 2, "dim")
    if found.machine is None and not found.wrong:
        console.print()
        put(console, "To make it known, add this line to `machines` in samebits/selftest/known.json:")
        console.print(Text(found.entry()), highlight=False, soft_wrap=True)
