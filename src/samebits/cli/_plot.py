"""`--plot` and `--no-plot`: curves on the terminal, under the verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from samebits._runtime.text import clean, letter
from samebits.cli._detail import Detail
from samebits.cli._output import console
from samebits.cli.main import say
from samebits.errors import RecordError

if TYPE_CHECKING:
    from samebits.metrics.series import MetricLog

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


def plot_option(function: _Decorated) -> _Decorated:
    """`--plot` and `--no-plot`; the command takes `plot`, None where neither was given."""
    return click.option(
        "--plot/--no-plot", default=None,
        help="Draw the curves; by default on a terminal, where the runs diverge.",
    )(function)  # fmt: skip


def drawn(apart: bool, json_path: str | None, much: Detail, plot: bool | None) -> bool:
    """Whether curves are drawn: if that is asked for, or the runs part and a terminal shows them."""
    from samebits.report.curves import fits

    if plot is not None:
        return plot
    return apart and much != "quiet" and fits(console(json_path))


def draw(logs: Sequence[MetricLog], metric: str, json_path: str | None) -> None:
    """The curves of one metric, if all logs have it."""
    from samebits.report.curves import print_curves

    where = console(json_path)
    if not where.encoding.lower().startswith("utf"):
        say("this terminal has no characters to draw curves with")
        return
    series = [log.series[metric] for log in logs if metric in log.series]
    if len(series) == len(logs):
        lines = [list(zip(one.steps.tolist(), one.values.tolist(), strict=True)) for one in series]
        labels = [letter(number) for number in range(len(lines))]
        where.print()
        for label, log in zip(labels, logs, strict=True):
            where.print(f"  {label} {clean(log.name)}", markup=False, no_wrap=True, overflow="ellipsis")
        print_curves(where, metric, lines, labels)


def draw_losses(runs: Sequence[Path], names: Sequence[str], json_path: str | None) -> None:
    """The losses of kept runs; nothing of one that has none."""
    from samebits.metrics.logs import open_log
    from samebits.metrics.series import LOSS, is_one

    with suppress(RecordError):
        logs = [open_log(run, name=name) for run, name in zip(runs, names, strict=True)]
        loss = next((name for name in logs[0].series if is_one(name, LOSS)), LOSS)
        draw(logs, loss, json_path)
