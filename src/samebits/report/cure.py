"""What `cure` found, on a terminal: the set, what each of it costs, the patch, and the proof."""

from __future__ import annotations

from typing import Final, Literal

from rich.console import Console
from rich.text import Text

from samebits._runtime.text import clean
from samebits.compare.verdict import count
from samebits.model.operators import spoken
from samebits.report.terminal import STYLES, put, widened
from samebits.trials.cure.result import CureResult, Needed

_STYLES: Final = {**STYLES, "cured": "bold green"}
_FULL: Final = ("samebits", "run")


def headline(result: CureResult) -> str:
    """The result in one line, after its word."""
    runs = count(result.runs, "run")
    if result.verdict == "same":
        return f"the program repeats as it is: there is nothing to cure ({runs})"
    if result.verdict == "cured":
        number = len(result.needed)
        what = "one change makes" if number == 1 else f"{number} changes together make"
        return f"{what} it repeat, found in {runs}"
    if result.verdict == "diverged":
        return f"nothing that was tried makes it repeat ({runs})"
    if result.interrupted:
        return f"interrupted after {runs}"
    if result.spent:
        return f"not found in {runs}; --most-runs allows more"
    verdict = result.last or result.first
    return verdict.headline if verdict else "nothing was run"


def print_cure(
    result: CureResult,
    console: Console | None = None,
    *,
    detail: Literal["quiet", "normal", "verbose"] = "normal",
) -> None:
    """Prints the result for a person; to standard output unless a console is given."""
    console = widened(console)
    word = result.verdict
    put(console, Text.assemble((word.upper(), _STYLES[word]), "  ", (clean(headline(result)), "bold")))
    if detail == "quiet":
        return
    if result.first is not None and result.first.first is not None:
        place = result.first.first
        put(
            console,
            f"as it is: first at step {place.step:,}, {clean(spoken(place.op))}, {clean(place.at)}",
            2,
        )
    reason = (result.first.reason or "").strip() if result.first is not None and result.first.reason else ""
    if word in ("failed", "incomplete") and "\n" in reason:
        put(console, clean(reason.split("\n", 1)[1], lines=True), 2)
    if result.needed:
        console.print()
        known = word == "cured"
        put(console, "Needed" if known else "Of use, and not enough", style="bold")
        shown = [one for one in result.needed if known or one.remedy.edits]
        for number, needed in enumerate(shown, 1):
            _needed(console, number, needed)
        if others := [clean(one.remedy.name) for one in result.needed if one not in shown]:
            put(console, f"from outside, together: {', '.join(others)}", 2)
    if result.patch and word == "cured":
        console.print()
        put(console, "Patch", style="bold")
        text = result.patch.decode("utf-8", "replace")
        for line in clean(text, lines=True).splitlines():
            style = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
            console.print(Text("  " + line, style=style), highlight=False, soft_wrap=True, no_wrap=True)
    if (command := result.command) is not None and word == "cured":
        console.print()
        so = "Run it so with the patch made" if result.patch else "Run it so"
        put(console, f"{so}, as the last resort: no more than this is to be controlled from outside.")
        console.print(Text("  " + clean(_shell(command)), style="cyan"), soft_wrap=True, no_wrap=True)
    _left(console, result)
    _proof(console, result)
    for path in result.touched:
        put(
            console,
            f"{clean(path)} changed while it ran: something wrote to it past the mirror",
            style="yellow",
        )
    for path in result.linked if detail == "verbose" else ():
        put(console, Text.assemble(("Note: ", "dim"), (f"{clean(path)} was linked, not copied", "dim")))


def _needed(console: Console, number: int, needed: Needed) -> None:
    remedy = needed.remedy
    title = Text.assemble((f"{number}. {clean(remedy.name)}", "bold yellow"))
    if remedy.place:
        title.append(f"  {clean(remedy.place)}")
    put(console, title, 2)
    put(console, clean(remedy.what), 5, "cyan" if remedy.edits else "")
    if remedy.outside and remedy.finding is not None:
        why = f" ({clean(remedy.finding.unclear)})" if remedy.finding.unclear else ""
        put(console, f"There is no edit that does this here{why}; in words:", 5)
        for line in clean(remedy.finding.fix, lines=True).splitlines():
            console.print(Text("       " + line, style="cyan"), soft_wrap=True, no_wrap=True)
    if needed.shown:
        put(console, "without it the runs part", 5)
    if needed.operations:
        names = ", ".join(needed.operations)
        put(console, f"of the operations it makes deterministic, {names} matters here", 5)
    put(console, f"cost: {needed.cost or 'not known, for want of steps'}", 5, "dim")


def _left(console: Console, result: CureResult) -> None:
    """Where the runs part with all that was made."""
    last = result.last
    if result.verdict not in ("diverged", "incomplete") or last is None or last.first is None:
        return
    console.print()
    where = f"step {last.first.step:,}, {clean(spoken(last.first.op))}, {clean(last.first.at)}"
    put(console, f"{'With these' if result.needed else 'Still'} the runs part first at {where}", style="bold")
    for finding in last.causes[:1]:
        put(console, f"{clean(finding.cause)}, {finding.confidence:.0%} sure: {clean(finding.why)}", 2)
        for line in clean(finding.fix, lines=True).splitlines():
            console.print(Text("    " + line, style="cyan"), soft_wrap=True, no_wrap=True)


def _proof(console: Console, result: CureResult) -> None:
    proof = result.proof
    if proof is None:
        return
    console.print()
    of = "patched" if not result.control else "controlled"
    runs = f"the {of} program, run {len(proof.weights)} times more, with nothing observed but its weights"
    if proof.holds:
        put(console, f"Proved: {runs}: all {proof.weights[0]}", style="green")
    elif proof.verdict == "same" and not any(proof.weights):
        put(
            console,
            f"Not proved by weights: {runs}, trains none that were seen; all that was compared agrees",
        )
    else:
        shown = ", ".join(str(weights) for weights in proof.weights) or proof.verdict
        put(console, f"Not proved: {runs}: {shown}", style="red")


def _shell(words: tuple[str, ...]) -> str:
    import shlex

    return shlex.join(words)
