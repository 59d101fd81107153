"""The verdict of `samebits resume` on the terminal: what is lost, where it is saved, and what to add."""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal

from rich.console import Console

from samebits._runtime.text import clean
from samebits.report.terminal import STYLES, code, put, row, widened
from samebits.trials.resume.outcome import KINDS, Missing, Resumed, Trial

_STYLES: Final = {
    "complete": STYLES["same"],
    "loses": STYLES["diverged"],
    "failed": STYLES["failed"],
    "incomplete": STYLES["incomplete"],
}
_KILLS: Final = {
    "term": "SIGTERM",
    "kill": "SIGKILL",
    "end": "an exit of its own",
    "save": "SIGKILL while it saved",
}
_HOW: Final = {
    "not saved": "it is not in the checkpoint",
    "not loaded": "it is in the checkpoint, and is not loaded",
    "changed": "it is loaded, and is another before the first step",
}


def print_resumed(
    resumed: Resumed,
    console: Console | None = None,
    *,
    detail: Literal["quiet", "normal", "verbose"] = "normal",
) -> None:
    """Print what resuming loses.

    Raises:
        BrokenPipeError: nobody reads any more.
    """
    console = widened(console)
    put(console, f"{resumed.word.upper()}  {headline(resumed)}", 0, _STYLES[resumed.word])
    if detail == "quiet":
        return
    if resumed.reason is not None:
        put(console, clean(resumed.reason, lines=True), 2)
    shown = resumed.missing
    for number, one in enumerate(shown):
        console.print()
        _missing(console, one, number, len(shown))
    parted = next((trial for trial in resumed.trials if trial.parts_in is not None), None)
    if parted is not None:
        console.print()
        put(console, _parting(parted), 2)
        if shown:
            put(console, "What else is lost shows once this is added: run it again.", 2)
        else:
            put(console, "The states that were kept do not show which one is lost.", 2)
    for trial in resumed.trials:
        if detail == "verbose" or trial.word in ("failed", "incomplete"):
            _trial(console, trial)
    if resumed.word == "complete" and len(resumed.trials) == 1:
        at = resumed.trials[0].resumed_at or 0
        said = f"One restart was tried, at step {at:,}: a state that had not changed by then is not missed."
        put(console, f"{said} --trials tries more.", 2, "dim")
    for note in resumed.notes:
        put(console, f"note: {clean(note)}", 2, "dim")


def headline(resumed: Resumed) -> str:
    """The verdict in one line, after its word."""
    counts = Counter(trial.word for trial in resumed.trials)
    done, asked = len(resumed.trials), resumed.asked
    of = f"{done} trial{'s' * (done != 1)}" + (
        f" of {asked}, then interrupted" if resumed.interrupted else ""
    )
    if resumed.word == "complete":
        what = "every step after the restart has the bits of the whole run"
        return f"{what} ({of}, {resumed.steps:,} steps)"
    if resumed.word == "loses":
        what = ", ".join(dict.fromkeys(KINDS[one.kind] for one in resumed.missing)) or "something"
        return f"{what} ({counts['loses']} of {of})"
    if resumed.word == "incomplete":
        return f"whether it goes on was not seen ({of})"
    return f"the program does not go on ({of})"


def _missing(console: Console, one: Missing, number: int, total: int) -> None:
    name = KINDS[one.kind] + (f" {clean(one.name)}" if one.name not in ("python", "numpy", "torch") else "")
    put(console, f"{number + 1}. {name}" if total > 1 else name, 2, "bold")
    row(console, "why", f"{_HOW[one.how]}; {clean(one.evidence)}")
    if one.key is not None:
        row(console, "key", clean(one.key))
    if one.saved_at is not None:
        row(console, "saved at", clean(str(one.saved_at)), "bold")
    if one.loaded_at is not None:
        row(console, "loaded at", clean(str(one.loaded_at)))
    row(console, "add", "")
    code(console, one.fix, 4)


def _parting(trial: Trial) -> str:
    return (
        f"Interrupted by {_KILLS[trial.kill]} after {trial.killed_after:,} steps, it went on from step "
        f"{trial.resumed_at:,} ({clean(trial.checkpoint or 'a checkpoint')}); step {trial.parts_at:,} is the "
        f"first that differs, in {trial.parts_in}."
    )


def _trial(console: Console, trial: Trial) -> None:
    head = f"{trial.word}: {_KILLS[trial.kill]} after {trial.killed_after:,} steps"
    if trial.resumed_at is not None:
        head += f", on from step {trial.resumed_at:,}"
    put(console, f"{head} (runs {', '.join(trial.runs)})", 2)
    if trial.reason is not None:
        for line in clean(trial.reason, lines=True).splitlines():
            put(console, line, 4)
