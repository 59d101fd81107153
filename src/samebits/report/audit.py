"""An audit on a terminal: file by file what is found, the line, and what mends it; then one line for all."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import Final, Literal

from rich.console import Console
from rich.text import Text

from samebits._runtime.text import clean
from samebits.audit.result import AuditResult
from samebits.compare.verdict import count
from samebits.model.finding import Edit, Finding
from samebits.model.sites import at, cell
from samebits.report.terminal import code, put, widened
from samebits.source.summary import SourcePlace

_MARKS: Final = {"confirmed": "green", "not exercised": "dim"}


def print_audit(
    result: AuditResult,
    console: Console | None = None,
    *,
    detail: Literal["quiet", "normal", "verbose"] = "normal",
) -> None:
    """Prints what an audit found; to standard output unless a console is given.

    "quiet" is the last line alone; "verbose" also says what each rule found, and why fixes were left.
    """
    console = widened(console)
    if detail != "quiet":
        rows = zip(result.audit.findings, result.edits, result.marks, strict=True)
        for _, found in groupby(rows, key=lambda row: _place(row[0]).file):
            for finding, edits, mark in found:
                _finding(console, result, finding, edits, mark)
            console.print()
        _notes(console, result)
        if detail == "verbose":
            _more(console, result)
    for one in result.audit.unread:
        put(console, Text.assemble((clean(str(one)), "bold"), f" {clean(one.why)}"), style="")
    put(console, summary(result), style="bold")


def _place(finding: Finding) -> SourcePlace:
    assert finding.hit is not None
    return finding.hit.place


def _finding(
    console: Console, result: AuditResult, finding: Finding, edits: tuple[Edit, ...], mark: str | None
) -> None:
    place = _place(finding)
    style = "yellow" if finding.fragile else "bold red"
    title = Text.assemble((clean(str(finding.site)), "bold"), " ", (finding.cause, style))
    if finding.fragile:
        title.append(" (fragile)", "yellow")
    if mark is not None:
        title.append(f" [{mark}]", _MARKS[mark])
    title.append(f" {clean(finding.why)}")
    put(console, title)
    code(console, result.texts.line(place.file, place.line).strip(), 4)
    hit = finding.hit
    assert hit is not None
    if edits:
        put(
            console,
            "fix:" if hit.safe else "fix, with --unsafe-fixes:",
            4,
            "green",
        )
        _changed(console, result, edits)
    else:
        put(console, "fix:", 4, "green")
        code(console, finding.fix, 6)
    for other, what in hit.places:
        of, line, _ = result.texts.where(other)
        file = other.file if of is None else cell(of, other.file)
        put(console, f"see {clean(at(file, line))}: {clean(what)}", 4)


def _changed(console: Console, result: AuditResult, edits: tuple[Edit, ...]) -> None:
    """The lines before and after, without the blanks that all of them begin with."""
    rows: list[tuple[str, str]] = []
    for edit in edits:
        old, new = result.texts.line(edit.file, edit.line), edit.replacement.split("\n")
        if old in new:
            where = new.index(old)
            rows += [("+", line) for line in new[:where]]
            rows += [(" ", old)]
            rows += [("+", line) for line in new[where + 1 :]]
        else:
            rows += [("-", old), *(("+", line) for line in new)]
    margin = min((len(line) - len(line.lstrip()) for _, line in rows if line.strip()), default=0)
    for sign, line in rows:
        style = {"+": "green", "-": "red"}.get(sign, "dim")
        text = f"{sign} {clean(line[margin:])}".rstrip()
        console.print(Text(" " * 6 + text, style), highlight=False, soft_wrap=True, no_wrap=True)


def _notes(console: Console, result: AuditResult) -> None:
    for site, names in result.audit.unused:
        what = f"ignore[{', '.join(names)}]" if names else "ignore"
        put(
            console,
            f"{clean(str(site))} the comment `samebits: {clean(what)}` leaves out nothing",
            style="dim",
        )
    for one in result.gone:
        text = (
            f"{clean(one.file)}: {one.rule} is in the baseline and not found any more: {clean(one.text)[:60]}"
        )
        put(console, text, style="dim")
    for left in result.left:
        put(
            console,
            f"{clean(str(left.finding.site))} {left.finding.cause} was not mended: {clean(left.why)}",
            style="yellow",
        )
    if result.audit.unused or result.gone or result.left:
        console.print()


def _more(console: Console, result: AuditResult) -> None:
    found = Counter(finding.cause for finding in result.audit.findings)
    for rule in sorted(result.rules):
        put(console, f"{found[rule]:>5}  {rule}", style="" if found[rule] else "dim")
    console.print()


def summary(result: AuditResult) -> str:
    """All of it in one sentence."""
    audit = result.audit
    parts = []
    if result.files:
        parts.append(f"{count(result.mended, 'finding')} mended in {count(len(result.files), 'file')}")
    elif result.mended:
        parts.append(f"{count(result.mended, 'finding')} can be mended")
    if result.only is not None:
        others = audit.files - 1
        found = clean(result.only) + (f", read with {count(others, 'other file')}" if others > 0 else "")
    else:
        found = count(audit.files, "file")
    if audit.findings:
        where = len({_place(finding).file for finding in audit.findings})
        fragile = sum(finding.fragile for finding in audit.findings)
        kinds = f" ({fragile} fragile)" if fragile else ""
        of = found if result.only is not None else f"{count(where, 'file')} of {audit.files:,}"
        parts.append(f"{count(len(audit.findings), 'finding')}{kinds} {'left ' if parts else ''}in {of}")
    else:
        parts.append(f"nothing {'more ' if parts else ''}found in {found}")
    if result.hidden:
        parts.append(f"{result.hidden:,} more in the baseline")
    safe, unsafe = result.mendable
    if safe:
        parts.append(f"--fix mends {safe:,}")
    if unsafe:
        parts.append(f"{'' if safe else '--fix '}--unsafe-fixes {unsafe:,}{' more' if safe else ''}")
    if audit.unread:
        cells = sum(one.cell is not None for one in audit.unread)
        named = ((len(audit.unread) - cells, "file"), (cells, "cell"))
        what = " and ".join(count(number, word) for number, word in named if number)
        parts.append(f"{what} could not be read or written")
    return "; ".join(parts) + "."
