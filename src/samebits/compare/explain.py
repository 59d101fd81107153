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
        generators=_generators(pair, divergence),
    )


def explain(evidence: Evidence) -> list[Finding]:
    """What the causes of the catalogue say, surest first."""
    found: list[Finding] = []
    for name, cause in CATALOGUE.items():
        try:
            finding = cause.match(evidence)
            if finding is not None and cause.mend is not None:
                finding = cause.mend(evidence, finding)
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
            _log.debug("the matcher of %s stumbled over the evidence", name, exc_info=True)
            continue
        if finding is not None and finding.confidence >= _WORTH_SAYING:
            found.append(replace(finding, cause=name))
    return sorted(found, key=lambda finding: (-finding.confidence, finding.cause))
