"""Control flow, or a value, that depends on how much time has passed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from samebits.causes._clocks import WAITS, ClockUses
from samebits.causes._edits import Draft, UnclearPlace
from samebits.causes._evidence import facts, is_random, outside, reach, spot
from samebits.causes._patch import Patch, mends
from samebits.causes._seeds import differing_seed, differs_elsewhere, drew_alone
from samebits.causes._source import Uses, calling, follow, is_clock, parsed, text_of
from samebits.causes._trace import last_name, seen
from samebits.model import calls
from samebits.model.cause import Cause, Evidence
from samebits.model.facts import Clock, Fact
from samebits.model.finding import Finding
from samebits.model.rule import Hit, Rule
from samebits.model.sites import Site
from samebits.source.module import Module
from samebits.source.project import Project, is_test

_FIX = """\
for step in range(max_steps):  # count steps instead of seconds: both runs then do the same work
    train_step()"""
_FIX_VALUE = """\
value = 0.5  # a constant, or one from the configuration: a clock gives another in each run"""
_FIX_CHOICE = """\
implementation = CHOICES[name]  # choose by configuration, or keep the choice of the first run in a file"""
#: What a class, or a keyword, is called that sets a limit of time.
_LIMIT: Final = re.compile(
    r"time_?(limit|out|budget|interval)|(max|limit|budget)_?(time|sec|minutes|hours)"
    r"|deadline|duration|^seconds$|min_time",
    re.IGNORECASE,
)

_ALARMS: Final = frozenset(
    {"threading.Timer", "signal.alarm", "signal.setitimer", "sched.scheduler"}
    | {f"asyncio.{name}" for name in ("wait_for", "timeout", "timeout_at")}
)


def _uses(evidence: Evidence, fact: Fact[Clock]) -> Uses:
    return follow(text_of(evidence, fact.site), is_clock)


def _nearest_line(lines: list[int], around: int) -> int:
    return min(lines, key=lambda line: (abs(line - around), line))


def _library_limit(evidence: Evidence, rows: list[Fact[Clock]]) -> Finding | None:
    """A library that stops, or turns, after some time, where the runs do not do the same operations."""
    structural = evidence.divergence.change != "value"
    if not structural and (is_random(evidence) or differs_elsewhere(evidence)):
        return None
    for fact in rows:
        by = fact.detail.by
        if by is None or fact.site is None:
            continue
        owner = by.split(".")[-2]
        made = calling(text_of(evidence, fact.site), fact.site.line, owner, _LIMIT)
        if made is None:
            continue
        site = Site(fact.site.file, made, fact.site.function)
        return Finding(
            (0.85 if structural else 0.75) * reach(evidence, fact),
            site,
            f"{by} reads a clock for a limit of time that is given at {spot(site)}, and the runs diverge "
            f"at step {evidence.divergence.step} because they had not come as far when it was over.",
            _FIX,
            subject=fact.detail,
        )
    return None


def _alarm(evidence: Evidence, rows: list[Fact[Clock]]) -> Finding | None:
    """A timer that the program sets, and that stops something or turns it."""
    row = next((fact for fact in reversed(rows) if fact.detail.call in _ALARMS), None)
    if row is None or differs_elsewhere(evidence):
        return None
    structural = evidence.divergence.change != "value"
    if not structural and is_random(evidence):
        return None
    return Finding(
        0.9 if structural else 0.8,
        row.site,
        f"{row.detail.call} at {spot(row.site)} ends, or turns, something after some time, and the runs "
        f"diverge at step {evidence.divergence.step} because they had not come as far.",
        _FIX,
        subject=row.detail,
    )


def match(evidence: Evidence) -> Finding | None:
    divergence = evidence.divergence
    readings: list[list[Fact[Clock]]] = list(facts(evidence, Clock, beyond=True))
    clocks, others = ([fact for fact in rows if fact.detail.by is None] for rows in readings)
    if (limit := _library_limit(evidence, [*readings[0], *readings[1]])) is not None:
        return limit
    if (alarm := _alarm(evidence, clocks)) is not None:
        return alarm
    if not clocks and not others:
        return None
    clock = clocks[-1] if clocks else others[-1]
    uses = _uses(evidence, clock)
    before_budget = [fact for fact in reversed(clocks + others) if fact.site is not None]
    for fact in before_budget:
        if uses.budget or fact.site is None or clock.site is None or fact.site.file == clock.site.file:
            continue
        uses, clock = _uses(evidence, fact), fact
    structural = divergence.change != "value"
    event = divergence.event
    if uses.budget and clock.site is not None:
        reader = next((f.site for f in before_budget if f.site and f.site.line in uses.budget), clock.site)
        around = event.site.line if event.site and event.site.file == clock.site.file else reader.line
        line = reader.line if reader.line in uses.budget else _nearest_line(uses.budget, around)
        site = Site(clock.site.file, line, clock.site.function)
        if structural:
            confidence = 0.7 if drew_alone(evidence) else 0.9  # where it decides of a draw, that is nearer
        elif is_random(evidence) or differing_seed(evidence) is not None:
            confidence = 0.3
        else:
            confidence = 0.7 * outside(evidence)
        return Finding(
            confidence * reach(evidence, clock),
            site,
            f"what happens next is decided at {spot(site)} by comparing a clock with a limit"
            + (
                f", and the runs diverge at step {divergence.step} because one goes on where the other stops "
                "or turns."
                if structural
                else "; the runs diverge in a value after it."
            ),
            _FIX,
        )
    if structural and not uses.alternatives:
        confidence = 0.4
    elif uses.settings and event.phase == "optimizer" and clock.site is not None:
        confidence = 0.85 * outside(evidence)
    elif (
        not structural
        and not uses.alternatives
        and event.site is not None
        and clock.site is not None
        and event.site.line in uses.arguments
    ):
        confidence = 0.6 * outside(evidence)
    elif (computed := _computed_with(evidence, clocks)) is not None:
        confidence, clock = 0.5, computed
    else:
        return None
    if uses.arguments and structural:
        confidence = 0.3  # the clock's reading is passed on, perhaps only to a log
    return Finding(
        confidence * reach(evidence, clock),
        clock.site,
        f"the script reads a clock at {spot(clock.site)}"
        + (" and the two runs do not do the same operations." if structural else " and computes with it."),
        _FIX if structural else _FIX_VALUE,
    )


def _computed_with(evidence: Evidence, clocks: list[Fact[Clock]]) -> Fact[Clock] | None:
    """A reading that a function returns as another number, and no span, where an input alone differs."""
    divergence = evidence.divergence
    if divergence.change != "value" or divergence.inputs_equal is not False or differs_elsewhere(evidence):
        return None
    for fact in reversed(clocks):
        tree = parsed(text_of(evidence, fact.site))
        if tree is None or fact.site is None:
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Return) or not node.lineno <= fact.site.line <= (
                node.end_lineno or 0
            ):
                continue
            if any(
                isinstance(each, ast.BinOp) and not isinstance(each.op, ast.Sub) for each in ast.walk(node)
            ):
                return fact
    return None


def _change(patch: Patch, finding: Finding) -> str | None:
    """A loop that ends by the clock does as many rounds as the slower of the two runs."""
    draft = patch.draft(finding.site)
    assert finding.site is not None
    for node in draft.at(finding.site.line):
        if not isinstance(node, ast.While) or not isinstance(node.test, ast.Compare):
            continue
        if node.test.lineno != node.test.end_lineno or node.lineno != node.test.lineno:
            continue
        asked = [seen(patch, finding.site, Clock, second=second) for second in (False, True)]
        if min(asked) < 2:
            break
        draft.head(node, f"for _ in range({min(asked) - 1}):")
        return "as many rounds as the slower of the two runs did; choose the number that you want"
    return _by_readings(patch, draft)


def _by_readings(patch: Patch, draft: Draft) -> str:
    """The clock that decides goes on by each reading, as far as it did on average in the first run."""
    readings = [
        node
        for node in ast.walk(draft.tree)
        if isinstance(node, ast.Call) and (draft.names.called(node) or "").rpartition(".")[0] == "time"
    ]
    clocks = [node for node in readings if last_name(node) in calls.CLOCKS]
    rows = [fact for fact in patch.evidence.a if isinstance(fact.detail, Clock) and fact.site]
    rows = [fact for fact in rows if fact.site and fact.site.file == draft.file]
    values = [fact.detail.value for fact in rows if isinstance(fact.detail, Clock)]
    read = [value for value in values if isinstance(value, int | float)]
    if not clocks or len({last_name(node) for node in clocks}) > 1 or len(read) < 2:
        raise UnclearPlace("what the clock decides is not plain")
    if any("/" in fact.process for fact in rows):
        raise UnclearPlace("several processes read the clock")
    step = f"{(read[-1] - read[0]) / (len(read) - 1):.2g}"
    if last_name(clocks[0]).endswith("_ns"):
        step = str(int(float(step)))
    name = draft.free("CLOCK")
    draft.after_imports(f"{name} = {draft.module('itertools')}.count(0, {step})  # goes on by each reading")
    for node in clocks:
        draft.replace(node, f"next({name})")
    return "readings are counted instead of seconds, so that both runs do the same work"


#: What a function is called that says whether time is up.
_UP: Final = re.compile(
    r"stop|time|expire|over|budget|deadline|exceed|limit|done|finish|out_of|continue|keep", re.I
)


@dataclass(frozen=True, slots=True)
class _Asked(Hit):
    """A comparison that a function returns: it decides where that function is called in a loop."""

    function: str = ""


def rule(module: Module) -> Iterator[Hit]:
    if not any(word in module.text for word in ("time", "perf_counter", "monotonic", "today")):
        return
    clocks = ClockUses(module)
    for node, reading, does, returned_by in clocks.decisions():
        place = module.place(node)
        clock = module.source(reading)
        fix = _FIX_VALUE if does.startswith("a setting") else _FIX
        places = ((module.place(reading), "the clock is read"),) if reading.lineno != place.line else ()
        if returned_by is None:
            yield Hit(place, f"{does} follows from {clock}, which no two runs share.", fix, places=places)
        elif _UP.search(returned_by.rpartition(".")[2]):
            why = f"{returned_by}() compares {clock} with a limit, and a loop asks it whether to go on."
            yield _Asked(place, why, fix, places=places, function=returned_by)
    for node, reading, does, _ in clocks.choices():
        why = f"{does} follows from times that {module.source(reading)} measures, which vary from run to run."
        yield Hit(
            module.place(node), why, _FIX_CHOICE, places=((module.place(reading), "the clock is read"),)
        )


def confirm(project: Project, hits: Sequence[Hit]) -> Iterator[Hit]:
    for hit in hits:
        if not isinstance(hit, _Asked):
            yield hit
            continue
        for file, function, step in project.callers.get((hit.place.file, hit.function), ()):
            waits = any(other.attr in WAITS for other in function.steps)
            if step.loops and not waits and not is_test(file):
                yield hit
                break


CAUSE = Cause(
    name="wall-clock",
    title="Control flow that depends on time",
    what="Training until a number of seconds has passed, evaluating or saving every few minutes, or a "
    "learning rate that follows the clock.",
    why="No two runs are equally fast, so they do another number of steps, or the same thing at another "
    "step.",
    fix=_FIX,
    sources=(
        "https://docs.python.org/3/library/time.html#time.monotonic",
        "https://docs.pytorch.org/docs/stable/notes/randomness.html",
        "https://github.com/pytorch/pytorch/issues/101246",
    ),
    match=match,
    mend=mends(_change),
    rule=Rule(file=rule, confirm=confirm),
    invalid=(
        "import time\n\nstart = time.time()\nwhile time.time() - start < 60:\n    pass\n",
        "import time\n\ndeadline = time.monotonic() + 60\nfor step in range(10**9):\n"
        "    if time.monotonic() > deadline:\n        break\n",
        "import time\n\ntimes = {}\nfor name, work in {'a': sum, 'b': max}.items():\n"
        "    start = time.perf_counter()\n    work(range(1000))\n"
        "    times[name] = time.perf_counter() - start\nbest = min(times, key=times.get)\n",
    ),
    valid=(
        "import time\n\nstart = time.time()\nfor step in range(1000):\n    pass\nprint(time.time() "
        "- start)\n",
    ),
)
