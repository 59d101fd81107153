"""The verdict over two or more runs, as a document.

`Verdict` is what the terminal shows and, as `Verdict.as_json`, the stable document that other tools
read (docs/reference/verdict.md).  Everything in it is plain data.  `compare.judge` makes it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from samebits._runtime.markup import card
from samebits.model.divergence import Difference, Divergence, EnvironmentDifference
from samebits.model.finding import Finding
from samebits.model.sites import at

FORMAT: Final = "samebits.verdict"
VERSION: Final = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where two runs diverge, in the user's words."""

    rank: int
    process: str
    thread: int
    step: int
    phase: str
    op: str
    change: str
    module: str | None
    node: str | None
    file: str | None
    line: int | None
    function: str | None
    difference: Difference | None

    @property
    def at(self) -> str:
        """ "train.py:36"."""
        if self.file is None:
            return "a line that was not seen"
        return at(self.file, self.line)

    @property
    def differs(self) -> str | None:
        """ "96 of 96 elements, by at most 1.5e-05 and 14 ULP"; None where the values were not kept."""
        gap = self.difference
        if gap is None:
            return None
        words = f"{gap.differing:,} of {count(gap.elements, 'element')}"
        sizes = []
        if gap.max_abs is not None:
            sizes.append(f"{gap.max_abs:.3g}")
        if gap.max_ulp is not None:
            sizes.append(f"{gap.max_ulp:,} ULP")
        return words + (", by at most " + " and ".join(sizes) if sizes else "")

    def as_json(self) -> dict[str, Any]:
        gap = self.difference
        return {
            "rank": self.rank,
            "process": self.process,
            "thread": self.thread,
            "step": self.step,
            "phase": self.phase,
            "op": self.op,
            "change": self.change,
            "module": self.module,
            "node": self.node,
            "file": self.file,
            "line": self.line,
            "function": self.function,
            "difference": None
            if gap is None
            else {
                "differing": gap.differing,
                "elements": gap.elements,
                "max_abs": gap.max_abs,
                "max_ulp": gap.max_ulp,
            },
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether runs agree in every bit, and if not, where they diverge first and why.

    "same": every process ended as its program meant, and all that both runs were to observe was compared
    and agrees.  "incomplete": what was compared agrees, and something is missing; ``reason`` says what.
    """

    verdict: Literal["same", "diverged", "failed", "incomplete"]
    runs: tuple[str, ...]
    steps: int = 0
    events: int = 0
    operations: int = 0
    processes: tuple[str, ...] = ()
    compared: str = ""
    first: Place | None = None
    second_place: Place | None = None  # where the pair that was run again, zoomed, diverged elsewhere
    causes: tuple[Finding, ...] = ()
    environment: tuple[EnvironmentDifference, ...] = ()
    notes: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()  # what made runs that agree lucky, or wrong (`compare.risks`)
    exit_code: int | None = None  # of a run that failed
    reason: str | None = None  # why it failed, or what is missing, in a sentence
    sources: Mapping[str, str] = field(default_factory=dict)  # for people; not in the document
    divergence: Divergence | None = None  # `first`, with the events around it; likewise
    pair: tuple[str, ...] = ()  # the two runs that it is about, where there are more; likewise

    @property
    def exit_status(self) -> int:
        """What a command that shows this verdict exits with."""
        return {"same": 0, "diverged": 1, "failed": 2, "incomplete": 2}[self.verdict]

    @property
    def headline(self) -> str:
        """The verdict in one line, after its word.  It may hold recorded text: see `_runtime.text.clean`."""
        if self.verdict == "same":
            done = count(self.operations, "operation") if self.operations else f"{self.events:,} values"
            return f"{count(len(self.runs), 'run')}, {count(self.steps, 'step')}, {done}: every bit agrees"
        if self.first is None:
            reason = (self.reason or "").strip() or "the program failed"
            return reason.split("\n", 1)[0]
        place = self.first
        return f"first at step {place.step:,}, {place.op}, {place.at}"

    def _repr_html_(self) -> str:
        """For notebooks."""
        rows: list[tuple[str, object]] = []
        if (place := self.first) is not None:
            rows.append(("at", f"step {place.step}, {place.phase}"))
            if (source := self.source_line(place.file, place.line)) is not None:
                rows.append(("line", source))
            if place.module:
                rows.append(("module", place.module))
        for number, cause in enumerate(self.causes[:3], 1):
            sure = f"{cause.confidence:.0%} sure"
            rows.append(("cause" if number == 1 else "", f"{cause.cause}, {sure}: {cause.why}"))
        if self.compared:
            rows.append(("compared", self.compared))
        rows += [("and yet", risk) for risk in self.risks]
        rows += [("note", note) for note in self.notes[:6]]
        return card(self.verdict, self.headline, rows, self.causes[0].fix if self.causes else "")

    def source_line(self, file: str | None, line: int | None) -> str | None:
        """One line of the user's source, stripped, if a record kept it."""
        text = self.sources.get(file) if file else None
        if text is None or line is None:
            return None
        lines = text.split("\n")
        return lines[line - 1].strip() if 0 < line <= len(lines) else None

    def as_json(self) -> dict[str, Any]:
        """The document, described by docs/reference/verdict.schema.json."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "verdict": self.verdict,
            "runs": list(self.runs),
            "steps": self.steps,
            "events": self.events,
            "operations": self.operations,
            "processes": list(self.processes),
            "compared": self.compared,
            "first": self.first.as_json() if self.first else None,
            "second_place": self.second_place.as_json() if self.second_place else None,
            "causes": [cause.as_json() for cause in self.causes],
            "environment": [
                {"key": row.key, "a": _plain(row.a), "b": _plain(row.b), "matters": row.matters}
                for row in self.environment
            ],
            "notes": list(self.notes),
            "risks": list(self.risks),
            "exit_code": self.exit_code,
            "reason": self.reason,
        }


def _plain(value: Any) -> Any:
    """A value of a manifest as strict JSON, which has no infinities."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [_plain(inner) for inner in value]
    return str(value)


def count(number: int, noun: str) -> str:
    """ "1 step", "1,200 steps", "2 losses", "3 batches"."""
    plural = noun + ("es" if noun.endswith(("s", "ch")) else "s")
    return f"{number:,} {noun if number == 1 else plural}"


def failed(runs: Sequence[str], reason: str, *, exit_code: int | None = None) -> Verdict:
    """The verdict where the script itself failed or could not be started."""
    return Verdict("failed", tuple(runs), exit_code=exit_code, reason=reason)


def incomplete(runs: Sequence[str], reason: str) -> Verdict:
    """The verdict where nothing could be compared, and no run is known to have failed."""
    return Verdict("incomplete", tuple(runs), reason=reason)


def closer(coarse: Verdict, fine: Verdict) -> Verdict:
    """The verdict of a pair that diverged, with the place as the pair shows it that was run again, zoomed."""
    assert coarse.first is not None
    assert fine.first is not None
    elsewhere = (fine.first.step, fine.first.rank) != (coarse.first.step, coarse.first.rank)
    return replace(
        fine,
        runs=(*coarse.runs, *fine.runs),
        pair=coarse.pair,
        steps=coarse.steps,
        compared=f"{coarse.compared} Run again around the place: {fine.compared}",
        second_place=coarse.first if elsewhere else None,
        notes=(*coarse.notes, *(note for note in fine.notes if note not in coarse.notes)),
    )
