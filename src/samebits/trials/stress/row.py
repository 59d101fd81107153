"""One row of the matrix: what was changed, how far it reached, and whether that is as it should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from samebits.compare.verdict import Place, Verdict
from samebits.control.change import Change, Should
from samebits.model.events import RANDOM
from samebits.model.operators import spoken
from samebits.record.run import Run
from samebits.trials.stress import entering
from samebits.trials.stress.weights import Reach

Word = Literal["ok", "finding", "may", "did not apply", "failed", "missing"]
#: Largest relative difference of losses and norms, at the first step that has one, that rounding makes: of
#: 32 bits and more, and of 16.
_ROUNDING: Final = {True: 1e-3, False: 5e-2}


@dataclass(frozen=True, slots=True)
class TrialRow:
    """What came of one change.

    Attributes:
        name, what, should: the change's.
        word: "ok" it is as it should be; "finding" it is not; "may": either is right, and `reach` says
            which it is; "did not apply", "failed", "missing": nothing is known, and `sentence` says why.
        sentence: what it means, or why nothing is known.
        did: what was changed, with the line, as far as the change says it.
        reach: how far the change reached; None where nothing is known.
        place: where it enters: operation, line and step, as a verdict has it.
        at: the same in words.
        causes: what a comparison of the two runs makes of it, surest first: each with the name of the
            "cause", its "file" and "line" (None where it has none), and "why".
        run: the id of the run.
        seconds: how long the run took.
    """

    name: str
    what: str
    should: Should
    word: Word
    sentence: str = ""
    did: tuple[str, ...] = ()
    reach: Reach | None = None
    place: Mapping[str, Any] | None = None
    at: str = ""
    causes: tuple[Mapping[str, Any], ...] = ()
    run: str | None = None
    seconds: float | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "what": self.what,
            "should": self.should,
            "word": self.word,
            "sentence": self.sentence,
            "did": list(self.did),
            "reach": None if self.reach is None else self.reach.as_json(),
            "place": None if self.place is None else dict(self.place),
            "at": self.at,
            "causes": [dict(cause) for cause in self.causes],
            "run": self.run,
            "seconds": self.seconds,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TrialRow:
        reached = data["reach"]
        return cls(
            data["name"],
            data["what"],
            data["should"],
            data["word"],
            data["sentence"],
            tuple(data["did"]),
            None if reached is None else Reach.from_json(reached),
            data["place"],
            data["at"],
            tuple(data["causes"]),
            data["run"],
            data["seconds"],
        )


def without(change: Change, word: Word, sentence: str, did: Sequence[str] = ()) -> TrialRow:
    """The row of a change of which nothing is known."""
    return TrialRow(change.name, change.what, change.should, word, sentence, tuple(did))


def judged(
    change: Change, reached: Reach, verdict: Verdict, did: Sequence[str], runs: tuple[Run, Run]
) -> TrialRow:
    """The row of a change that was made: of the unchanged run, and of the changed one, which ended well."""
    word, sentence = _word(change, reached, verdict)
    place = entering.place(verdict, runs) if reached.weights else None
    if place is not None and reached.first_step is not None and place.step > reached.first_step:
        place = None  # no cause comes after its effect: what led there was not seen
    return TrialRow(
        change.name,
        change.what,
        change.should,
        word,
        sentence,
        tuple(did),
        reached,
        None if place is None else place.as_json(),
        "" if place is None else _at(place),
        entering.causes(change, verdict, runs) if place is not None else (),
        runs[1].id,
        runs[1].info.get("seconds"),
    )


def _at(place: Place) -> str:
    return f"step {place.step:,}, {spoken(place.op)}, {place.at}"


def _word(change: Change, reached: Reach, verdict: Verdict) -> tuple[Word, str]:
    differs = bool(reached.weights)
    if change.should == "may":
        return "may", change.why if differs else ""
    if change.should == "must":
        return ("ok", "") if differs else ("finding", change.why)
    if reached.steps[0] != reached.steps[1]:
        a, b = reached.steps
        return "finding", f"the run took {b:,} steps, and {a:,} without the change. {_upper(change.why)}"
    if not differs:
        return "ok", ""
    if change.should == "rounding" and (how := _beyond_rounding(reached, verdict)) is None:
        return "ok", ""
    if change.should == "rounding":
        return "finding", f"{how}: {change.why}"
    return "finding", change.why


def _upper(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _beyond_rounding(reached: Reach, verdict: Verdict) -> str | None:
    """Why a first difference is none of rounding; None: it is one."""
    divergence = verdict.divergence
    gap = None if divergence is None else divergence.difference
    if divergence is not None and gap is not None and gap.max_ulp is not None:
        event = divergence.event
        chosen = event.kind == "batch" or bool(event.flags & RANDOM) or gap.reordered
        if chosen and not gap.related:
            return "the first difference is in other data or other random numbers, and not in rounding"
    begins = reached.begins
    if begins is not None and begins > _ROUNDING[reached.wide]:
        return f"losses or norms differ by {begins:.1e} of their size at the first step that differs"
    return None
