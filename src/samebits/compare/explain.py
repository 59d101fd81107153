"""Gathers the evidence around a divergence and asks every cause of the catalogue about it.

Facts that come long after the divergence cannot have caused it and are left out here, so that a matcher
need not think of them.  A record may be hostile: a matcher that stumbles over its contents is one
without an answer.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from samebits.causes import CATALOGUE
from samebits.compare.gaps import to_its_end
from samebits.compare.pairs import ThreadPair
from samebits.compare.threads import EventStream, RunLike
from samebits.model.cause import Evidence
from samebits.model.divergence import Divergence, EnvironmentDifference
from samebits.model.events import Event
from samebits.model.facts import Detail, Fact, File, Save, Write
from samebits.model.finding import Finding

_log = logging.getLogger(__name__)

#: Facts are kept a little beyond the divergence: the order of a pool is known only when it is done.
_BEYOND: Final = 200
_LOOK_BACK: Final = 5000  # events looked at for the last states of the generators
_WORTH_SAYING: Final = 0.1
_CERTAIN: Final = 0.85  # a cause of which hardly anything is in doubt
_SEEN: Final = 0.65  # below this a cause is a guess: possible, and nothing was seen to differ
#: What reading a record, or a program's source, may raise where it holds something else than was expected.
_STUMBLES: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def _facts(run: RunLike, divergence: Divergence, event: Event | None) -> list[Fact[Detail]]:
    rank = divergence.rank
    found: list[Fact[Detail]] = []
    for key, record in sorted(run.records.items()):
        if record.rank != rank:
            continue
        for fact in record.facts():
            if key == divergence.process and divergence.event.thread == 0 and event is not None:
                near = fact.at <= event.index + _BEYOND
            else:
                near = fact.step <= divergence.step + 1
            # What else was read tells a renamed file from a changed one; what was written later, whether
            # the run left it to the next.
            if near or isinstance(fact.detail, (File, Write, Save)):
                found.append(fact)
    return found


def _states(stream: EventStream, index: int) -> dict[str, tuple[int, int]]:
    """Generator -> (step, state) as last read before ``index``."""
    found: dict[str, tuple[int, int]] = {}
    for number in range(min(index, stream.length) - 1, max(index - _LOOK_BACK, 0) - 1, -1):
        event = stream.at(number)
        if event is not None and event.kind == "generator":
            found.setdefault(event.name, (event.step, event.digest))
    return found


def _generators(pair: ThreadPair | None, divergence: Divergence) -> dict[str, tuple[int, int]]:
    if pair is None:
        return {}
    at_a = divergence.a.index if divergence.a else pair.a.length
    at_b = divergence.b.index if divergence.b else pair.b.length
    states_a, states_b = _states(pair.a, at_a), _states(pair.b, at_b)
    return {
        name: (state, states_b[name][1])
        for name, (step, state) in states_a.items()
        if name in states_b and states_b[name][0] == step
    }


def _program(run: RunLike, process: str) -> str:
    """The file that a process, or the first of the run, was started with."""
    record = run.records.get(process) or next(iter(run.records.values()), None)
    words = record.manifest.get("argv") if record is not None else None
    return str(words[0]) if isinstance(words, list) and words else ""


def gather(
    run_a: RunLike,
    run_b: RunLike,
    divergence: Divergence,
    compared: Sequence[ThreadPair],
    environment: Sequence[EnvironmentDifference],
) -> Evidence:
    """All that the catalogue may look at."""
    sources: dict[str, str] = {}
    for run in (run_b, run_a):
        # Of two notebooks' cells with one name it is that of the process whose evidence this is.
        for _, record in sorted(run.records.items(), key=lambda each: each[0] == divergence.process):
            sources.update(record.sources())
    thread = divergence.event.thread
    pair = next((p for p in compared if (p.process, p.thread) == (divergence.process, thread)), None)
    if pair is None:
        pair = next((p for p in compared if p.process == divergence.process), None)
    return Evidence(
        divergence=divergence,
        a=_facts(run_a, divergence, divergence.a or divergence.b),
        b=_facts(run_b, divergence, divergence.b or divergence.a),
        environment=environment,
        sources=sources,
        program=_program(run_a, divergence.process),
        generators=_generators(pair, divergence),
        whole=to_its_end(run_a) and to_its_end(run_b),
    )


def explain(evidence: Evidence) -> list[Finding]:
    """What the causes of the catalogue say, surest first."""
    found: list[Finding] = []
    for name, cause in CATALOGUE.items():
        if cause.match is None:
            continue
        try:
            finding = cause.match(evidence)
        except _STUMBLES:
            _log.debug("the matcher of %s stumbled over the evidence", name, exc_info=True)
            continue
        if finding is None or finding.confidence < _WORTH_SAYING:
            continue
        if cause.mend is not None:
            try:
                finding = cause.mend(evidence, finding)
            except _STUMBLES:
                _log.debug("the fix of %s stumbled over the source", name, exc_info=True)
        found.append(replace(finding, cause=name))
    return _weighed(sorted(found, key=lambda finding: (-finding.confidence, finding.cause)))


def _weighed(found: list[Finding]) -> list[Finding]:
    """The same findings; a guess beside one that is nearly certain has what that leaves."""
    if not found or found[0].confidence < _CERTAIN:
        return found
    left = 1 - found[0].confidence
    weighed = [
        one if one.confidence >= _SEEN else replace(one, confidence=min(one.confidence, left))
        for one in found
    ]
    return [one for one in weighed if one.confidence >= _WORTH_SAYING or one.confidence >= _SEEN]
