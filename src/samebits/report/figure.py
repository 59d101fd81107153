"""Two curves and their difference, as a figure for a paper: what a person looks at first.

Drawn with matplotlib's objects alone, without pyplot: no window, no setting and no figure of the user's is
touched.  A difference of zero has a place of its own at the bottom of the logarithmic axis, since "equal in
every bit" and "too small to see" are what such a figure is drawn to tell apart.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from samebits._runtime.text import clean, letter
from samebits.errors import UsageError, UsageTypeError
from samebits.metrics.pairs import distances, paired
from samebits.metrics.series import MetricLog, Series
from samebits.record.run import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colours that everybody can tell apart (Okabe and Ito), and for each a line of its own, for print in grey.
#: https://jfly.uni-koeln.de/color/
_LOOKS: Final = (
    ("#0072B2", "-"),
    ("#D55E00", (0, (4, 2))),
    ("#009E73", (0, (6, 1.5, 1, 1.5))),
    ("#CC79A7", (0, (1, 1.2))),
    ("#E69F00", (0, (8, 2))),
    ("#56B4E9", (0, (3, 1, 1, 1, 1, 1))),
    ("#000000", (0, (1, 3))),
)
_GREY: Final = "#666666"
_BAND: Final = "#EDEDED"
_TICKS: Final = 6  # powers of ten with a label, about
_LISTED: Final = 8  # names of metrics in an error

#: What is drawn: a kept run, the path of a log or of a run, what was read of one, or one metric.
RunOrLog: TypeAlias = Run | str | os.PathLike[str] | MetricLog | Series


def plot(
    a: RunOrLog,
    b: RunOrLog,
    *more: RunOrLog,
    metric: str | None = None,
    axes: Sequence[Axes] | None = None,
    labels: Sequence[str] | None = None,
) -> tuple[Axes, Axes]:
    """The curves of two or more runs, and below them how far each is from the first.

        curves, difference = samebits.plot("laptop/metrics.csv", "cluster/metrics.csv", metric="val/mAP")
        curves.figure.savefig("figure.pdf")

    Values are paired by step; a step that is logged several times, by the order in which it was.  The
    difference is the absolute one on a logarithmic axis, with zero in a band at its bottom; a thin line marks
    the first step at which two runs differ.  In a notebook with `%matplotlib inline` a cell that ends with
    `curves.figure` shows it.

    Args:
        a, b, more: each a run (`samebits.Run`), the path of a log or of a run's folder, a `MetricLog`, or a
            `Series`, whose name is not looked at.
        metric: which of a log's metrics; None: "loss", or else the only one that all have with a loss in its
            name.
        axes: two of matplotlib's axes to draw into; None: those of a new figure.
        labels: what the runs are called, as many as runs; None: what they are called already.

    Returns:
        The axes of the curves and those of the difference; ``.figure`` is their figure.

    Raises:
        ModuleNotFoundError: matplotlib is not installed; the text is the command that installs it.
        RecordError: a path holds no log that can be read.
        UsageError, UsageTypeError: a log has no such metric, or an argument cannot be meant.
    """
    upper, lower = _axes(axes)
    logs = [_opened(given) for given in (a, b, *more)]
    metric = metric or _loss([log for log in logs if isinstance(log, MetricLog)])
    named = [_curve(log, metric, number) for number, log in enumerate(logs)]
    axis = named[0][1].axis
    if any(series.axis != axis for _, series in named):
        raise UsageError("plot: one log counts steps and another epochs or rows; they have no common axis")
    if labels is not None:
        if isinstance(labels, str) or len(labels) != len(named):
            raise UsageError(f"plot: labels must be as many as runs, {len(named)}, got {labels!r}")
        named = [(str(label), series) for label, (_, series) in zip(labels, named, strict=True)]
    for (label, series), (colour, line) in zip(named, _looks(len(named)), strict=True):
        upper.plot(
            series.steps, series.values, color=colour, linestyle=line, linewidth=1.2, label=clean(label)
        )
    upper.set_ylabel(clean(named[0][1].name))
    upper.legend(frameon=False)
    _differences(lower, named)
    lower.set_xlabel(axis)
    lower.locator_params(axis="x", integer=True)
    return upper, lower


def _axes(given: Sequence[Axes] | None) -> tuple[Axes, Axes]:
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise ModuleNotFoundError(
            'samebits.plot needs matplotlib, which is not installed: pip install "samebits[plot]"',
            name="matplotlib",
        ) from None
    if given is None:
        figure = Figure(figsize=(6.4, 4.8), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        return upper, lower
    try:
        upper, lower = given
        upper.plot, lower.plot  # noqa: B018
    except (TypeError, ValueError, AttributeError):
        raise UsageTypeError(
            "plot: axes must be two of matplotlib's axes, for the curves and the difference: "
            f"axes=figure.subplots(2, 1); got {given!r}"
        ) from None
    return upper, lower


def _opened(given: RunOrLog) -> MetricLog | Series:
    if isinstance(given, Series | MetricLog):
        return given
    if isinstance(given, Run | str | os.PathLike):
        from samebits.metrics.logs import open_log

        return open_log(given.path, name=given.id) if isinstance(given, Run) else open_log(Path(given))
    raise UsageTypeError(
        "plot: a run must be a samebits.Run, the path of a log, a MetricLog or a Series, "
        f"got {type(given).__name__}"
    )


def _loss(logs: Sequence[MetricLog]) -> str:
    """What the logs call the loss, if that is plain."""
    if all("loss" in log.series for log in logs):
        return "loss"
    found = [name for name in logs[0].series if "loss" in name.lower()]
    found = [name for name in found if all(name in log.series for log in logs)]
    if len(found) == 1:
        return found[0]
    names = [clean(name) for name in found or logs[0].series]
    known = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "") or "none"
    raise UsageError(f"plot: which metric? Say it as metric=...; {clean(logs[0].name)} has: {known}")


def _curve(log: MetricLog | Series, metric: str, number: int) -> tuple[str, Series]:
    """What a run is called, and its metric."""
    if isinstance(log, Series):
        return f"run {letter(number)}", log
    if metric in log.series:
        return log.name, log.series[metric]
    names = [clean(name) for name in log.series]
    known = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "") or "none"
    raise UsageError(f"plot: {clean(log.name)} has no metric {metric!r}; it has: {known}")


def _looks(count: int) -> list[tuple[str, str | tuple[float, tuple[float, ...]]]]:
    return [_LOOKS[number % len(_LOOKS)] for number in range(count)]


def _differences(lower: Axes, named: Sequence[tuple[str, Series]]) -> None:
    """Each run's distance from the first; where it is zero, in the band."""
    (first_label, first), *others = named
    smallest, largest = [], []
    for number, ((label, series), (colour, line)) in enumerate(
        zip(others, _looks(len(named))[1:], strict=True)
    ):
        steps, values, beside = paired(first, series)
        apart = distances(values, beside)
        finite = apart < float("inf")
        lower.plot(
            steps[finite],
            apart[finite],
            color=colour,
            linestyle=line if len(others) > 1 else "-",
            linewidth=0.9,
            label=f"|{clean(label)} \N{MINUS SIGN} {clean(first_label)}|",
        )
        if not finite.all():  # no length, and no reason to hide it
            height = [0.97] * int((~finite).sum())
            at_the_top = lower.get_xaxis_transform()
            lower.plot(steps[~finite], height, "x", color=colour, markersize=4, transform=at_the_top)
        if (positive := apart[finite & (apart > 0)]).size:
            smallest.append(float(positive.min()))
            largest.append(float(positive.max()))
        if len(steps) == 0:
            _say(lower, number, f"{clean(label)}: no step in common")
        elif (differing := apart > 0).any():
            step = int(steps[differing].min())
            lower.axvline(step, color=colour, linewidth=0.6, linestyle=":")
            text = f"{clean(label)}: step {step}" if len(others) > 1 else f"first difference at step {step}"
            left = 2 * step <= int(first.steps.min()) + int(first.steps.max())
            _say(lower, number, text, step, left=left)
    _scale(lower, min(smallest, default=0.0), max(largest, default=0.0))
    digits = [series.digits for _, series in named if series.digits is not None]
    identical = f"equal to {min(digits)} digits, as logged" if digits else "equal"
    style = {"ha": "right", "va": "bottom", "fontsize": 8, "color": _GREY}
    lower.text(0.99, 0.02, identical, style, transform=lower.transAxes)
    lower.set_ylabel("|difference|")


def _scale(lower: Axes, smallest: float, largest: float) -> None:
    """Logarithmic from the smallest difference on, and below it the band of zero."""
    if smallest == 0:  # nothing differs
        lower.set_ylim(-0.25, 1)
        lower.set_yticks([0])
        lower.axhspan(-0.25, 0.25, color=_BAND, linewidth=0, zorder=0)
        return
    smallest, largest = max(smallest, 1e-300), min(largest, 1e300)  # within what a scale can be multiplied by
    lower.set_yscale("symlog", linthresh=smallest, linscale=0.8)
    lower.set_ylim(-0.5 * smallest, largest * 10)
    lowest, highest = math.ceil(math.log10(smallest * 2)), math.floor(math.log10(largest * 10))
    decades = range(highest, lowest - 1, -max(1, (highest - lowest) // _TICKS + 1))
    lower.set_yticks([0.0, *(10.0**decade for decade in decades)])
    lower.axhspan(-0.5 * smallest, 0.5 * smallest, color=_BAND, linewidth=0, zorder=0)


def _say(lower: Axes, number: int, text: str, step: int | None = None, *, left: bool = True) -> None:
    """A line of text below those before it: beside a step, on the side that has room, or else at the left."""
    lower.annotate(
        text,
        (0.0 if step is None else step, 0.96 - 0.1 * number),
        xycoords=lower.transAxes if step is None else lower.get_xaxis_transform(),
        xytext=(4 if left else -4, 0),
        textcoords="offset points",
        ha="left" if left else "right",
        va="top",
        fontsize=8,
        color=_GREY,
    )
