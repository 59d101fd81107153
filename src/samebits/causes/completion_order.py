"""Results used in the order in which threads or processes happened to finish."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Final

from samebits.causes._draws import PYTHON, of, partings
from samebits.causes._edits import UnclearPlace
from samebits.causes._evidence import FactPair, first, nearest, of_kind, outside, pairs, spot, sure
from samebits.causes._finishfix import one_thread, take_in_order
from samebits.causes._finishing import finishing
from samebits.causes._libraryfix import keep_order
from samebits.causes._origins import as_finished, last_name, several_jobs
from samebits.causes._ownfix import own_stream_of_thread
from samebits.causes._patch import InWords, Patch, mends
from samebits.causes._seeds import differs_elsewhere
from samebits.causes._source import text_of
from samebits.model.cause import Cause, Evidence
from samebits.model.events import EXTERNAL, Event
from samebits.model.facts import Completion, Thread
from samebits.model.finding import Finding
from samebits.model.operators import base_name, is_nondeterministic, spoken
from samebits.model.rule import Rule
from samebits.model.sites import Site

_FIX = """\
with ThreadPoolExecutor() as pool:
    results = list(pool.map(work, items))  # the order of items; as_completed gives the order of finishing"""
_FIX_SHARED = """\
results = [future.result() for future in futures]  # let threads return values, and combine them in one place
# rather than write to shared tensors, lists or generators from several threads"""

_FIX_JOBS = """\
model = RandomForestClassifier(n_jobs=1)  # one job adds up in one order; or seed and keep what it computed"""
#: Calls that start threads of this process, and no processes.
_THREADS: Final = re.compile(r"Thread|multiprocessing\.dummy")
_ROUNDING: Final = 1024  # units in the last place that a sum in another order may make

_FIX_GENERATOR = """\
# one for each item of work, made where that is done; one for each thread only where threads share out no work
rng = np.random.default_rng([0, number])  # the item's number"""
_FIX_PYTHON = """\
# one for each item of work, made where that is done; one for each thread only where threads share out no work
rng = random.Random(number)  # the item's number"""


#: Operations by name in place with which torch fills what it has just made: clones, new tensors.
_MAKES: Final = frozenset(
    f"aten::{name}_"
    for name in ("copy", "fill", "zero", "uniform", "normal", "set", "detach", "requires_grad")
)


def _interleaved(evidence: Evidence) -> Finding | None:
    """Threads that draw from one generator, in another order in each run."""
    parting = next((p for p in partings(evidence) if p.threads > 1 and p.how != "state"), None)
    if parting is None:
        return None
    lines = list(dict.fromkeys(spot(fact.site) for fact in parting.others)) or [spot(parting.fact.site)]
    where = " and at ".join(lines)
    return Finding(
        sure(evidence, parting.fact, 0.93),
        parting.fact.site,
        f"{parting.threads} threads draw from one generator ({of(parting.fact)}), at {where}; which of them "
        "comes first decides what each of them gets, and the two runs differ in that.",
        _FIX_PYTHON if of(parting.fact) in PYTHON else _FIX_GENERATOR,
        subject=parting.fact.detail,
    )


def _same_results(found: Sequence[FactPair[Completion]]) -> bool | None:
    """Whether what came in another order is the same in both runs.

    None: it never is, as far as it was seen, and other results are no other order.
    """
    apart = [pair for pair in found if pair.differs(lambda d: d.order)]
    if any(pair.detail.content is None or pair.equal(lambda d: d.content) for pair in apart):
        return True
    return False if len(apart) < 3 else None


def _written_in_thread(evidence: Evidence) -> Event | None:
    """The last operation up to the divergence with which a thread beside the first changed a tensor."""
    divergence = evidence.divergence
    for event in (divergence.event, *reversed(divergence.before)):
        changes = base_name(event.name).endswith("_") and base_name(event.name) not in _MAKES
        own = event.phase not in ("backward", "optimizer")
        if event.thread and event.kind == "op" and changes and own and event.site:
            return event
    return None


def _rounded_in_jobs(evidence: Evidence) -> Finding | None:
    """Nearly the same numbers from outside torch, where a library was told to compute in several jobs."""
    event, difference = evidence.divergence.event, evidence.divergence.difference
    near = difference is not None and difference.related and (difference.max_ulp or 0) <= _ROUNDING
    if not near or not event.flags & EXTERNAL or event.site is None or differs_elsewhere(evidence):
        return None
    line = several_jobs(text_of(evidence, event.site))
    if line is None:
        return None
    site = Site(event.site.file, line)
    return Finding(
        0.75,
        site,
        f"what came from outside torch at {spot(event.site)} differs by rounding alone, and a library is "
        f"told at {spot(site)} to compute in several jobs: they add up in the order of finishing.",
        _FIX_JOBS,
    )


def _taker(pair: FactPair[Completion]) -> str:
    call = pair.detail.call or "a wait"
    return f"{pair.detail.by}, which uses {call}, called" if pair.detail.by else call


def _as_finished(evidence: Evidence) -> Finding | None:
    """A library's call that is known by its words to give results as they come."""
    site = evidence.divergence.event.site
    call = as_finished(text_of(evidence, site), site.line) if site is not None else None
    if site is None or call is None:
        return None
    here = Site(site.file, call.func.end_lineno or call.lineno, site.function)
    return Finding(
        0.9,
        here,
        f"the tensor made at {spot(site)} holds the same rows in both runs, in another order: "
        f"{last_name(call.func)}() at {spot(here)} gives results in the order of finishing.",
        _FIX,
    )


def match(evidence: Evidence) -> Finding | None:
    difference = evidence.divergence.difference
    reordered = difference is not None and difference.reordered
    found = pairs(evidence, Completion, beyond=True)
    order = first(found, lambda p: p.differs(lambda d: d.order))
    certain = _same_results(found)
    # results of one generator that threads share are others because of that, and in no other order
    if certain is not True and (interleaved := _interleaved(evidence)) is not None:
        return interleaved
    if order is not None and order.a is not None and certain is not None:
        return Finding(
            sure(evidence, order.a, 0.95 if certain else 0.4),
            order.site,
            f"{order.detail.call or 'a wait'} at {spot(order.site)} gave results in the order of finishing, "
            "and the two runs finished in another order.",
            _FIX,
        )
    unknown = nearest(found, lambda p: p.detail.order is None)
    if unknown is not None:
        return Finding(
            sure(evidence, unknown.fact, 0.85 if reordered else 0.25 if unknown.detail.by else 0.5),
            unknown.site,
            f"{_taker(unknown)} at {spot(unknown.site)} gives results in the order of "
            "finishing, which differs from run to run; the order itself was not seen.",
            _FIX,
        )
    event = evidence.divergence.event
    if reordered and (finished := _as_finished(evidence)) is not None:
        return finished
    if (jobs := _rounded_in_jobs(evidence)) is not None:
        return jobs
    threads = [pair for pair in pairs(evidence, Thread) if _THREADS.search(str(pair.detail.call))]
    if not threads or is_nondeterministic(event.name):
        return None
    if differs_elsewhere(evidence):
        return None
    confidence = 0.7 if reordered else 0.55 if event.thread else 0.5
    written = _written_in_thread(evidence)
    if written is not None:
        return Finding(
            0.8,
            written.site,
            f"threads started at {spot(threads[-1].site)} write to a tensor at {spot(written.site)}, "
            f"by {spoken(written.name)}; which of them comes first decides the result.",
            _FIX_SHARED,
        )
    return Finding(
        confidence * (0.6 if outside(evidence) < 0.5 else 1.0),
        threads[-1].site,
        f"threads are started at {spot(threads[-1].site)}, and nothing else was seen that differs: if they "
        "write to what they share, or draw from one generator, the order of their work decides the result.",
        _FIX_SHARED,
    )


def _change(patch: Patch, finding: Finding) -> str | None:
    if keep_order(patch, finding.site) or _one_job(patch, finding):
        return None
    try:
        return take_in_order(patch, finding.site)
    except UnclearPlace:
        if own_stream_of_thread(patch, finding.site):
            return None
        rows = of_kind([fact for fact in patch.evidence.a if fact.site == finding.site], Completion)
        if any("Queue" in str(row.detail.call) for row in rows):
            raise InWords(_numbered(patch, finding)) from None
        if not rows:
            return one_thread(patch)
        raise


def _one_job(patch: Patch, finding: Finding) -> bool:
    """One job where several were asked for, if that is what differs."""
    if finding.fix != _FIX_JOBS or finding.site is None:
        return False
    draft = patch.draft(finding.site)
    for node in draft.at(finding.site.line):
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and any(word.arg == "n_jobs" for word in call.keywords):
                draft.keyword(call, "n_jobs", "1")
                return True
    return False


def _numbered(patch: Patch, finding: Finding) -> str:
    """How the items of a queue get an order; what waits for what only the program knows."""
    puts = [
        f"{file}:{number}"
        for file, text in patch.evidence.sources.items()
        for number, line in enumerate(text.split("\n"), 1)
        if ".put(" in line
    ]
    return (
        f"# {', '.join(puts[:3]) or 'whoever puts'}: put each item with its number, (number, item)\n"
        f"# {finding.site}: take them in the order of their numbers\n"
        "waiting, number = {}, 0\n"
        "while number < TOTAL:\n"
        "    while number not in waiting:\n"
        "        waiting.update([out.get()])  # the queue\n"
        "    item, number = waiting.pop(number), number + 1"
    )


CAUSE = Cause(
    name="completion-order",
    title="Order of finishing",
    what="Results taken with `as_completed`, `imap_unordered`, a queue or callbacks in the order in which "
    "workers finish; threads that write to shared state or draw from one generator.",
    why="The system's scheduler decides who finishes first. A sum in another order rounds differently, and "
    "samples in another order train another model.",
    fix=_FIX,
    sources=(
        "https://docs.python.org/3/library/concurrent.futures.html#concurrent.futures.as_completed",
        "https://docs.python.org/3/library/multiprocessing.html#multiprocessing.pool.Pool.imap_unordered",
        "https://github.com/Lightning-AI/pytorch-lightning/issues/20679",
    ),
    match=match,
    mend=mends(_change),
    rule=Rule(file=finishing),
    invalid=(
        "from concurrent.futures import ThreadPoolExecutor, as_completed\n\n"
        "with ThreadPoolExecutor() as pool:\n    futures = [pool.submit(pow, n, 2) for n in range(8)]\n"
        "    results = [future.result() for future in as_completed(futures)]\n",
        "from multiprocessing import Pool\n\nwith Pool() as pool:\n"
        "    results = list(pool.imap_unordered(abs, range(8)))\n",
    ),
    valid=(
        "from concurrent.futures import ThreadPoolExecutor\n\n"
        "with ThreadPoolExecutor() as pool:\n    futures = [pool.submit(pow, n, 2) for n in range(8)]\n"
        "    results = [future.result() for future in futures]\n",
        "from multiprocessing import Pool\n\nwith Pool() as pool:\n    results = "
        "list(pool.imap(abs, range(8)))\n",
    ),
)
