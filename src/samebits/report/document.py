"""The report's document: all that is shown of two runs or more, as plain data (docs/reference/report.md).

The page draws it and nothing else; another tool may.  Whatever makes a picture of the runs is worked out
here, so that the page needs neither the records nor what wrote the logs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from samebits import __version__
from samebits._runtime.text import letter
from samebits.compare.closeup import told
from samebits.compare.threads import is_worker
from samebits.compare.timeline import LAYERS, Timeline, timeline
from samebits.compare.verdict import Verdict
from samebits.metrics.compare import compare_metrics
from samebits.metrics.series import LOSS, NORM, MetricLog, is_one
from samebits.metrics.thin import curve
from samebits.metrics.verdict import MetricsVerdict
from samebits.record.reader import Record
from samebits.record.run import Run

FORMAT: Final = "samebits.report"
VERSION: Final = 1
_POINTS: Final = 60_000  # of all curves, shared out among them
_MOST, _LEAST = 12_000, 500  # of one
_AROUND: Final = 5  # lines of source on each side


@dataclass(frozen=True, slots=True)
class Shown:
    """One run of a report: what it logged, and its record where it has one."""

    log: MetricLog
    run: Run | None = None


def document(
    runs: Sequence[Shown],
    verdict: Verdict | MetricsVerdict,
    *,
    closeup: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The document of a report.

    Args:
        runs: A, B and further ones.
        verdict: over them: of their records, or of what they logged.
        closeup: what was told of the place when the runs were verified; None: what the verdict tells.
    """
    shown: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "samebits": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "word": verdict.verdict,
        "headline": verdict.headline,
        "rests_on": verdict.compared,
        "notes": list(verdict.notes) + ([verdict.reason] if verdict.reason else []),
        "runs": [_run(number, one) for number, one in enumerate(runs)],
        "curves": [],
        "first": None,
        "causes": [],
        "layers": list(LAYERS),
        "strip": [],
        "weights": [],
        "modules": None,
        "generators": [],
        "operations": [],
        "environment": [],
        "metrics": [],
        "tables": [],
    }
    logs = [one.log for one in runs]
    if len(logs) > 1:  # one, where a program failed that was to be verified
        metrics = verdict if isinstance(verdict, MetricsVerdict) else compare_metrics(logs)
        shown["curves"] = _curves(logs, metrics)
        shown["metrics"] = [_metric(metric) for metric in metrics.metrics]
    if isinstance(verdict, Verdict):
        shown |= closeup if closeup is not None else told(verdict)
        if (pair := _pair(verdict, [one.run for one in runs if one.run is not None])) is not None:
            shown |= _observed(verdict, pair)
    return shown


def _pair(verdict: Verdict, runs: Sequence[Run]) -> tuple[Run, Run] | None:
    """The two runs that the verdict is about, whose ids may be one: of a laptop's and of a cluster's.

    Each run is compared with the first.
    """
    if not runs or len(verdict.pair) != 2 or runs[0].id != verdict.pair[0]:
        return None
    others = [run for run in runs[1:] if run.id == verdict.pair[1]]
    return (runs[0], others[0]) if len(others) == 1 else None


def _run(number: int, one: Shown) -> dict[str, Any]:
    info: Mapping[str, Any] = one.run.info if one.run is not None else {}
    argv = info.get("argv")
    longest = max((len(series) for series in one.log.series.values()), default=None)
    return {
        "label": letter(number),
        "name": one.log.name if one.run is None else one.run.id,
        "path": str(one.log.path),
        "kind": one.log.kind,
        "command": " ".join(map(str, argv)) if isinstance(argv, list) else None,
        "created": info.get("created"),
        "status": info.get("status"),
        "steps": longest
        if one.run is None
        else max((r.steps for r in one.run.records.values()), default=None),
    }


def _curves(logs: Sequence[MetricLog], metrics: MetricsVerdict) -> list[dict[str, Any]]:
    sentences = {metric.name: metric.sentence() for metric in metrics.metrics}
    names = sorted(sentences, key=_rank)
    most = min(_MOST, max(_LEAST, _POINTS // max(1, len(names))))
    return [
        {
            **curve([log.series[name] for log in logs], most).as_json(),
            "unit": logs[0].series[name].axis,
            "sentence": sentences[name],
        }
        for name in names
    ]


def _rank(name: str) -> int:
    """A record's losses come first, then the norm of its gradients."""
    return 0 if is_one(name, LOSS) else 1 if is_one(name, NORM) else 2


def _metric(metric: Any) -> dict[str, Any]:
    return {
        "name": metric.name,
        "points": max(one.points for one in metric.differences),
        "verdict": metric.word,
        "sentence": metric.sentence(),
    }


def _observed(
    verdict: Verdict,
    pair: tuple[Run, Run],
) -> dict[str, Any]:
    """What the two records show over time."""
    process = verdict.first.process if verdict.first is not None else None
    if (records := _records(pair, process)) is None:
        return {}
    matters = any(row.matters for row in verdict.environment)
    same = verdict.verdict == "same"
    return _over_time(timeline(*records, environment=matters, same=same))


def _records(pair: tuple[Run, Run], process: str | None) -> tuple[Record, Record] | None:
    """The same process of both: the one that is asked for, or else the first that the user started."""
    a, b = pair
    shared = [key for key in sorted(a.records) if key in b.records]
    if process in shared:
        return a.records[process], b.records[process]
    started = [key for key in shared if not is_worker(key)]  # the launcher of ranks trains nothing itself
    steps = {key: (min(a.records[key].steps, b.records[key].steps), key == "main") for key in started}
    key = max(started, key=steps.__getitem__, default=None)
    return None if key is None else (a.records[key], b.records[key])


def _over_time(line: Timeline) -> dict[str, Any]:
    return {
        "strip": [[stretch.first, stretch.steps, stretch.layer] for stretch in line.strip],
        "weights": [
            {
                "steps": [one.first, one.first + one.steps - 1],
                "loss": one.loss,
                "parameters": one.parameters,
                "a": None if one.a is None else f"{one.a:016x}",
                "b": None if one.b is None else f"{one.b:016x}",
            }
            for one in line.weights
        ],
        "modules": None
        if not line.modules.names
        else {
            "names": list(line.modules.names),
            "columns": [list(column) for column in line.modules.columns],
            **{kind: [list(row) for row in rows] for kind, rows in line.modules.rows.items()},
        },
        "generators": [
            {
                "name": one.name,
                "columns": [list(column) for column in line.columns],
                "a": list(one.a) or None,
                "b": list(one.b) or None,
                "same": list(one.same),
            }
            for one in line.generators
        ],
    }
