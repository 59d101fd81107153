"""Makes a report of runs and logs as they lie on the disk, or of a verdict just made."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from samebits._runtime.whole import write_there
from samebits.compare import closeup
from samebits.compare.judge import compare_all
from samebits.compare.verdict import Verdict, incomplete
from samebits.errors import RecordError
from samebits.metrics.compare import compare_metrics
from samebits.metrics.logs import open_log
from samebits.metrics.series import MetricLog
from samebits.record.run import Run, is_run
from samebits.report.document import Shown, document
from samebits.report.html import page
from samebits.report.trials import tables


def write_report(path: str | os.PathLike[str], *runs: Run | str | os.PathLike[str]) -> dict[str, Any]:
    """Write the report of two runs or more: one HTML file, which needs no network.

        samebits.report.write_report("report.html", ".samebits/20250102-1", ".samebits/20250102-7")

    Args:
        path: the file; what is there is replaced.
        runs: each a `samebits.Run`, the folder of one, or the path of a log.

    Returns:
        The report's document (docs/reference/report.md).

    Raises:
        RecordError: one cannot be read.
        UsageError: there are fewer than two.
        OSError: the file cannot be written.
    """
    paths = [run.path if isinstance(run, Run) else Path(run) for run in runs]
    places = [(path, isinstance(run, Run) or is_run(path)) for path, run in zip(paths, runs, strict=True)]
    found = report_of(places, [str(place) for place in paths])
    write_there(Path(path), page(found).encode())
    return found


def report_of(places: Sequence[tuple[Path, bool]], names: Sequence[str]) -> dict[str, Any]:
    """The document of runs: by every fingerprint where all are records, else by what they logged.

    Args:
        places: where each is, and whether it is a record.
        names: what the user calls each.

    Raises:
        RecordError: one cannot be read.
        UsageError: there are fewer than two.
    """
    with ExitStack() as held:
        runs = [held.enter_context(Run.open(path)) if record else None for path, record in places]
        records = [run for run in runs if run is not None]
        if len(records) == len(runs):
            verdict = compare_all(records)
            shown = [Shown(_logged(run, name), run) for run, name in zip(records, names, strict=True)]
            return document(shown, verdict, closeup=closeup.of(verdict, records))
        logs = [open_log(path, name=name) for (path, _), name in zip(places, names, strict=True)]
        shown = [Shown(log, run) for log, run in zip(logs, runs, strict=True)]
        return document(shown, compare_metrics(logs))


def report_of_verdict(verdict: Verdict, out: Path) -> dict[str, Any]:
    """The document of a verdict that `verify` has just made, of whose runs the records lie in ``out``."""
    with ExitStack() as held:
        runs = [held.enter_context(Run.open(out / name)) for name in verdict.runs if (out / name).is_dir()]
        whole = [run for run in runs if run.info.get("zoom") is None]
        return document([Shown(_logged(run, run.id), run) for run in whole], verdict)


def report_of_trials(
    result: Mapping[str, Any], verdict: Verdict | None, out: Path, headline: str
) -> dict[str, Any]:
    """The document of what cure, stress or resume found, as their own documents say it (`report.trials`).

    Args:
        result: the document.
        verdict: over the program as it is, where there is one to show.
        out: where its runs are kept.
        headline: the result in one line.
    """
    shown = document([], incomplete([], "")) if verdict is None else report_of_verdict(verdict, out)
    return shown | {"word": result["verdict"], "headline": headline, "tables": tables(result)}


def _logged(run: Run, name: str) -> MetricLog:
    """The losses of a record; none where it has none to show."""
    try:
        return open_log(run.path, name=name)
    except RecordError as error:
        return MetricLog(name, run.path, "record", problems=(str(error),))
