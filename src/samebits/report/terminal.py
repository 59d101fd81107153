"""A verdict on the terminal: what happened first, then where, why, and what to change.

It reads the same without colour and in a pipe: words and indentation carry the meaning, colour only
helps.  Everything recorded is text from somewhere else and may be hostile, so control characters are
shown as escapes and nothing is taken for markup.
"""

from __future__ import annotations

from typing import Final, Literal

from rich.console import Console
from rich.text import Text

from samebits._runtime.text import clean
from samebits.compare.verdict import Place, Verdict, said_line
from samebits.model.finding import Finding
from samebits.model.operators import spoken

_PIPE_WIDTH: Final = 100
_CAUSES, _ROWS, _NOTES, _PLACES = 3, 8, 6, 3
_ALL: Final = 1000  # where a person asks for every one
STYLES: Final = {
    "same": "bold green",
    "diverged": "bold red",
    "failed": "bold magenta",
    "incomplete": "bold yellow",
    "within": "bold green",
}
_CHANGES: Final = {
    "missing": "only the first run did this; the second went on without it",
    "extra": "only the second run did this; the first went on without it",
    "replaced": "the second run did something else in its place",
    "end": "one run ended here and the other went on",
}


def widened(console: Console | None) -> Console:
    """Standard output, unless another one is given; a pipe has the width that prose needs."""
    console = console or Console()
    if not console.is_terminal and console.width < _PIPE_WIDTH:
        console.width = _PIPE_WIDTH
    return console


def put(console: Console, text: Text | str, indent: int = 0, style: str = "") -> None:
    """Prose, wrapped to the width, without the blanks that a pipe would carry along."""
    body = Text(text, style=style) if isinstance(text, str) else text
    for line in body.wrap(console, max(console.width - indent, 20)):
        line.rstrip()
        console.print(Text(" " * indent).append_text(line), highlight=False, soft_wrap=True)


def row(console: Console, label: str, value: str, style: str = "") -> None:
    """A label and what it says, wrapped beside it."""
    lines = Text(value, style=style).wrap(console, max(console.width - 12, 20))
    for number, line in enumerate(lines):
        line.rstrip()
        head = Text(f"  {label if number == 0 else '':<10}", style="dim")
        console.print(Text().append_text(head).append_text(line), highlight=False, soft_wrap=True)


def code(console: Console, text: str, indent: int) -> None:
    """Source text, never wrapped: it is there to be copied."""
    for line in clean(text, lines=True).splitlines():
        console.print(Text(" " * indent + line, style="cyan"), highlight=False, soft_wrap=True, no_wrap=True)


def _place(console: Console, place: Place, verdict: Verdict) -> None:
    several = len(verdict.processes) > 1
    where = f"step {place.step:,}, {clean(place.phase)}" + (f", rank {place.rank}" if several else "")
    row(console, "operation", clean(spoken(place.op)), "bold")
    row(console, "at", where)
    line = clean(place.at)
    if place.file is not None and place.function not in (None, "<module>"):
        line += f" in {clean(place.function)}"
    row(console, "line", line, "bold")
    source = verdict.source_line(place.file, place.line)
    if source is not None:
        code(console, source, 14)
    if place.phase == "backward" and place.node:
        row(console, "", f"the forward line whose backward is {clean(place.node)}")
    if place.module:
        row(console, "module", clean(place.module_said))
    change = _CHANGES.get(place.change)
    if change is not None:
        row(console, "how", change)
    words = place.differs
    if words is not None:
        row(console, "differs", words)


def _cause(console: Console, finding: Finding, number: int, verdict: Verdict) -> None:
    sure = f"{finding.confidence:.0%}"
    style = "bold yellow" if number == 1 else "yellow"
    title = Text.assemble((f"{number}. {clean(finding.cause)}", style), (f"  {sure} sure", "dim"))
    file, line = (finding.site.file, finding.site.line) if finding.site else (None, None)
    if file is not None:
        title.append(f"  {clean(said_line(file, line))}")
    put(console, title, 2)
    source = verdict.source_line(file, line)
    first = verdict.first
    elsewhere = first is None or (file, line) != (first.file, first.line)
    if source is not None and elsewhere:
        code(console, source, 5)
    put(console, clean(finding.why), 5)
    if number == 1:
        places = list(dict.fromkeys(clean(said_line(edit.file, edit.line)) for edit in finding.edits))
        where = f" at {', '.join(places[:_PLACES])}" if places else ""
        put(console, f"Fix{where}{', ...' if len(places) > _PLACES else ''}:", 5, "green")
        code(console, finding.fix, 7)


def _environment(console: Console, verdict: Verdict, verbose: bool) -> None:
    rows = [row for row in verdict.environment if row.matters or verbose]
    if verdict.commands:  # said already
        rows = [row for row in rows if row.key != "argv"]
    limit = _ALL if verbose else _ROWS
    if not rows:
        return
    console.print()
    put(console, "The runs did not run on the same thing:", style="bold")
    for row in rows[:limit]:
        put(console, f"{clean(row.key)}: {clean(row.a)[:200]} | {clean(row.b)[:200]}", 2)
    if len(rows) > limit:
        put(console, f"and {len(rows) - limit} more", 2, "dim")


def _risks(console: Console, verdict: Verdict) -> None:
    if verdict.risks:
        console.print()
        put(console, "The runs agree, and yet:", style="yellow")
        for risk in verdict.risks:
            put(console, f"- {clean(risk)}", 2)


def _notes(console: Console, verdict: Verdict, verbose: bool) -> None:
    if verdict.compared:
        put(console, Text.assemble(("Compared: ", "dim"), (clean(verdict.compared), "dim")))
    limit = _ALL if verbose else _NOTES
    for note in verdict.notes[:limit]:
        put(console, Text.assemble(("Note: ", "dim"), (clean(note), "dim")))
    if len(verdict.notes) > limit:
        put(console, f"and {len(verdict.notes) - limit} more notes, with -v", style="dim")


def print_verdict(
    verdict: Verdict,
    console: Console | None = None,
    *,
    detail: Literal["quiet", "normal", "verbose"] = "normal",
) -> None:
    """Prints a verdict for a person; to standard output unless a console is given.

    "quiet" is its one line; "verbose" leaves out nothing: every note, cause and difference of the machines.
    """
    verbose = detail == "verbose"
    console = widened(console)
    style = STYLES[verdict.verdict]
    put(console, Text.assemble((verdict.verdict.upper(), style), "  ", (clean(verdict.headline), "bold")))
    if detail == "quiet":
        return
    if verdict.commands:
        put(console, "The two runs are not one command:", style="bold")
        for words in verdict.commands:
            put(console, clean(words), 2)
    if verdict.verdict in ("failed", "incomplete"):
        rest = (verdict.reason or "").strip().partition("\n")[2]
        if rest:
            code(console, rest, 2)
        if verdict.exit_code is not None:
            put(console, f"exit code {verdict.exit_code}", 2)
        _notes(console, verdict, verbose)
        return
    if verdict.first is not None:
        console.print()
        put(console, "First difference", style="bold")
        _place(console, verdict.first, verdict)
        if verdict.second_place is not None:
            other = verdict.second_place
            put(
                console,
                f"Another pair of runs diverged elsewhere: step {other.step}, {clean(spoken(other.op))}, "
                f"{clean(other.at)}.",
                2,
            )
        console.print()
        if verdict.causes:
            put(console, "Probable cause" if len(verdict.causes) == 1 else "Probable causes", style="bold")
            for number, cause in enumerate(verdict.causes[: _ALL if verbose else _CAUSES], 1):
                _cause(console, cause, number, verdict)
        else:
            put(console, "The evidence does not show the cause.", style="bold")
            put(console, clean(verdict.unexplained), 2)
        _environment(console, verdict, verbose)
        console.print()
    _risks(console, verdict)
    _notes(console, verdict, verbose)
