"""Compares what runs logged: metrics matched by name, each judged by itself, one verdict over all."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from samebits._runtime.text import clean
from samebits.errors import UsageError
from samebits.metrics.difference import SeriesDifference, difference
from samebits.metrics.pairs import last_of_all
from samebits.metrics.series import MetricLog
from samebits.metrics.tolerance import Tolerance
from samebits.metrics.verdict import LastValues, MetricsVerdict, MetricVerdict, Word

#: Where a tolerance is asked: at the last step that both logged, or at each.
At = Literal["end", "every"]
_LEAST_RUNS: Final = 3  # a set of runs has a standard deviation from three on


def compare_metrics(
    logs: Sequence[MetricLog],
    *,
    within: Tolerance | str | None = None,
    at: At = "end",
    only: Sequence[str] | str = (),
) -> MetricsVerdict:
    """Whether what runs logged agrees: each further log is compared with the first.

    Args:
        within: how far they may lie apart, as `Tolerance` or as it is typed: "1%".  With "sd" the first is
            compared with the further ones, of which there must be at least three: its value may lie so many
            standard deviations from their mean.
        at: where ``within`` is asked: "end", at the last step that both logged; "every", at each.
        only: patterns of names, such as "val/*"; none: every metric.

    Raises:
        UsageError: fewer than two logs, too few for "sd", "sd" at every step, or a pattern that no metric
            has.
    """
    within = Tolerance.parse(within) if isinstance(within, str) else within
    only = [only] if isinstance(only, str) else only
    if at not in ("end", "every"):
        raise UsageError(f"at must be 'end' or 'every', got {at!r}")
    if len(logs) < 2:
        raise UsageError(f"a comparison needs at least two logs, and {len(logs)} were given")
    if within is not None and within.kind == "sd":
        if len(logs) <= _LEAST_RUNS:
            raise UsageError(
                f"{within} needs a set of at least {_LEAST_RUNS} runs after the one that is compared with "
                f"them, and {len(logs) - 1} were given"
            )
        if at == "every":
            raise UsageError("standard deviations are of the last values; leave out --at every")
    names = _chosen(logs, only)
    shared = [name for name in names if all(name in log.series for log in logs)]
    alone = {
        name: tuple(log.name for log in logs if name in log.series) for name in names if name not in shared
    }
    metrics = tuple(_metric(name, logs, within, at) for name in shared)
    problems = tuple(problem for log in logs for problem in log.problems)
    sampled = {name for log in logs for name, series in log.series.items() if series.sampled}
    lacked = {name: where for name, where in alone.items() if name not in sampled}
    word, reason = _word(metrics, problems, lacked)
    return MetricsVerdict(
        word,
        tuple(logs),
        metrics,
        None if within is None else _allowed(within, at),
        tuple(dict.fromkeys((*problems, *_notes(logs, alone), *_rounded(logs, metrics)))),
        reason,
        alone,
    )


def _chosen(logs: Sequence[MetricLog], only: Sequence[str]) -> list[str]:
    names = list(dict.fromkeys(name for log in logs for name in log.series))
    for pattern in only:
        if not any(_fits(name, pattern) for name in names):
            some = ", ".join(clean(name)[:60] for name in names[:8]) + (", ..." if len(names) > 8 else "")
            raise UsageError(f"no metric is named {pattern!r}; there are: {some or 'none'}")
    return [name for name in names if not only or any(_fits(name, pattern) for pattern in only)]


def _fits(name: str, pattern: str) -> bool:
    """Whether a name is that of a pattern, in which only * is special: names have brackets."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name, re.DOTALL) is not None


def _metric(name: str, logs: Sequence[MetricLog], within: Tolerance | None, at: At) -> MetricVerdict:
    first, *others = (log.series[name] for log in logs)
    found = tuple(difference(first, other) for other in others)
    common = last_of_all([log.series[name] for log in logs])
    last = LastValues(common or tuple(float(one.values[-1]) for one in (first, *others) if len(one)))
    axes = list(dict.fromkeys(log.series[name].axis for log in logs))
    if len(axes) > 1:
        why = f"one log counts {axes[0]}s and another {axes[1]}s, so which belong together is unknown"
        return MetricVerdict(name, "missing", found, last, why)
    if within is not None and within.kind == "sd":
        last = LastValues(last.values[1:])  # of the set, from whose mean the first run lies so far
    identical = all(one.identical for one in found)
    if not identical:
        if within is None:
            return MetricVerdict(name, "differs", found, last)
        if (passed := _passed(found, within, at, common)) is not None:
            return MetricVerdict(name, "differs", found, last, passed)
    sampled = any(log.series[name].sampled for log in logs)
    lacking = [_ends(one) for one in found if one.points == 0 or (any(one.only) and not sampled)]
    if lacking:
        return MetricVerdict(name, "missing", found, last, lacking[0])
    return MetricVerdict(name, "identical" if identical else "within", found, last)


def _ends(one: SeriesDifference) -> str:
    if one.points == 0:
        return "they have no step in common"
    alone = max(one.only)
    which = "the first run" if one.only[0] == alone else "the other run"
    return f"{which} alone logged {alone:,} more value{'' if alone == 1 else 's'}"


def _passed(
    found: Sequence[SeriesDifference], within: Tolerance, at: At, common: tuple[float, ...]
) -> str | None:
    """How the tolerance is passed, in words; None where it is not.

    Args:
        common: the values at the last step that all logged; none where there is no such step.
    """
    if within.kind == "sd":
        return _unlike(common[0], LastValues(common[1:]), within) if common else None
    for one in found:
        far, step = one.apart(within.kind, at)
        if not far <= within.amount:  # a NaN is farther than anything
            return f"{_by(far, within)} at step {step:,}, more than {within}"
    return None


def _unlike(mine: float, others: LastValues, within: Tolerance) -> str | None:
    """How the first run's value lies too many standard deviations from the others' mean."""
    if math.isnan(mine) and all(map(math.isnan, others.values)):
        return None
    if math.isnan(others.sd) or not math.isfinite(mine):
        return "not all of the last values are numbers"
    far = abs(mine - others.mean)
    if far <= within.amount * others.sd:
        return None
    if others.sd == 0:
        return f"{mine:.6g} is not {others.mean:.6g}, from which no other run differs"
    return f"{mine:.6g} lies {far / others.sd:.3g} sd from their mean {others.mean:.6g}, more than {within}"


def _by(far: float, within: Tolerance) -> str:
    if math.isnan(far):
        return "one alone is a number"
    words = (str(Tolerance(within.kind, float(f"{far:.{digits}g}"))) for digits in (3, 6))
    return next((said for said in words if said != str(within)), "a little farther")


def _allowed(within: Tolerance, at: At) -> str:
    if within.kind == "sd":
        return f"{within} of the further runs' last values"
    return f"{within} at {'the last step' if at == 'end' else 'every step'}"


def _word(
    metrics: Sequence[MetricVerdict], problems: Sequence[str], alone: Mapping[str, Sequence[str]]
) -> tuple[Word, str | None]:
    words = {metric.word for metric in metrics}
    if "differs" in words:
        return "diverged", None
    if not metrics:
        return "incomplete", "the logs have no metric in common"
    if alone:
        name, where = next(iter(alone.items()))
        more = f" (and {len(alone) - 1} more)" if len(alone) > 1 else ""
        return "incomplete", f"what all have agrees; {name} is in {' and '.join(where)} alone{more}"
    if "missing" in words:
        metric = next(metric for metric in metrics if metric.word == "missing")
        return "incomplete", f"{metric.name}: {metric.why}"
    if problems:
        return "incomplete", f"what was read agrees; {problems[0]}"
    return ("within" if "within" in words else "same"), None


def _rounded(logs: Sequence[MetricLog], metrics: Sequence[MetricVerdict]) -> list[str]:
    """Of metrics that differ in logs that did not round alike."""
    found = [
        metric.name
        for metric in metrics
        if metric.word == "differs" and len({log.series[metric.name].digits for log in logs}) > 1
    ]
    if not found:
        return []
    some = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
    return [f"not rounded alike in every log, which alone makes values differ: {some}"]


def _notes(logs: Sequence[MetricLog], alone: dict[str, tuple[str, ...]]) -> list[str]:
    notes = []
    if alone:
        some = [f"{name} (in {', '.join(which)})" for name, which in list(alone.items())[:5]]
        more = f" and {len(alone) - 5} more" if len(alone) > 5 else ""
        notes.append(f"not in every log, so not compared: {', '.join(some)}{more}")
    notes += [note for log in logs for note in log.notes]
    timing = list(dict.fromkeys(name for log in logs for name in log.timing))
    if timing:
        some = timing[:5]
        more = f" and {len(timing) - 5} more" if len(timing) > 5 else ""
        notes.append(f"left out, since they measure time: {', '.join(some)}{more}")
    return notes
