"""The verdict over logged metrics on a terminal: one line, a table of the metrics, what it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from samebits._runtime.text import clean
from samebits.metrics.difference import Point, SeriesDifference, percent, steps_in_words
from samebits.metrics.verdict import MetricsVerdict, MetricVerdict
from samebits.report.terminal import STYLES, put, widened

_ROWS: Final = 12
_PIPE_WIDTH: Final = 160  # of a table; prose is narrower
#: By the names of the columns.
_Row = Mapping[str, Text | str]
_MARKS: Final = {"identical": "green", "within": "green", "differs": "red", "missing": "yellow"}


def print_metrics(
    verdict: MetricsVerdict,
    console: Console | None = None,
    *,
    detail: Literal["quiet", "normal", "verbose"] = "normal",
) -> None:
    """Prints the verdict for a person; to standard output unless a console is given.

    "quiet" is its one line; "verbose" has every metric.
    """
    console = widened(console)
    word = verdict.verdict
    line = Text.assemble((word.upper(), STYLES[word]), "  ", (clean(verdict.headline), "bold"))
    put(console, line)
    if detail == "quiet":
        return
    if verdict.metrics:
        console.print()
        limit = len(verdict.metrics) if detail == "verbose" else _ROWS
        ordered = sorted(
            verdict.metrics,
            key=lambda metric: ("differs", "missing", "within", "identical").index(metric.word),
        )
        if len(verdict.logs) > 2:
            _spreads(console, ordered[:limit])
        else:
            _pairs(console, ordered[:limit])
        if len(ordered) > limit:
            put(console, f"and {len(ordered) - limit} more (-v shows them)", 2, "dim")
        for metric in ordered[:limit]:
            if metric.why:
                put(console, f"{clean(metric.name)}: {clean(metric.why)}.", 2)
        console.print()
    put(console, Text.assemble(("Compared: ", "dim"), (clean(verdict.compared), "dim")))
    for note in verdict.notes:
        put(console, Text.assemble(("Note: ", "dim"), (clean(note), "dim")))


def _pairs(console: Console, metrics: list[MetricVerdict]) -> None:
    """A row a metric of two runs."""
    rows: list[_Row] = []
    for metric in metrics:
        one = metric.differences[0]
        rows.append(
            {
                "metric": Text(clean(metric.name)),
                "values": f"{one.points:,}",
                "": _judged(metric, one),
                "from step": "" if one.first is None else f"{one.first.step:,}",
                "largest": _far(one.uneven or one.largest),
                "at the end": _far(one.final) if one.first is not None else "",
                "grows tenfold": "" if one.growth is None else f"in {steps_in_words(one.growth)}",
            }
        )
    _print(console, rows, ("grows tenfold", "largest", "values", "at the end", "from step"))


def _spreads(console: Console, metrics: list[MetricVerdict]) -> None:
    """A row a metric of several runs: how their last values spread; of a set, those of the set."""
    rows: list[_Row] = []
    of_set = any(len(metric.spread.values) == len(metric.differences) for metric in metrics)
    mean = "last values but the first's: mean" if of_set else "last values: mean"
    for metric in metrics:
        steps = [one.first.step for one in metric.differences if one.first is not None]
        spread = metric.spread
        apart = next((one for one in metric.differences if one.first is not None), metric.differences[0])
        rows.append(
            {
                "metric": Text(clean(metric.name)),
                "": _judged(metric, apart),
                "from step": f"{min(steps):,}" if steps else "",
                mean: f"{spread.mean:.6g}",
                "sd": f"{spread.sd:.2g}",
                "smallest": f"{min(spread.values):.6g}" if spread.values else "",
                "largest": f"{max(spread.values):.6g}" if spread.values else "",
            }
        )
    _print(console, rows, ("smallest", "largest", "from step", "sd", mean))


def _judged(metric: MetricVerdict, one: SeriesDifference) -> Text:
    word = metric.word
    if word == "identical" and one.digits is not None:
        word_shown = f"identical in {one.digits} digits"
    elif one.few_ulps:
        word_shown = f"{word}, {one.ulp} ulp"
    else:
        word_shown = word
    return Text(word_shown, _MARKS[word])


def _far(point: Point | None) -> str:
    """ "0.00891 (1.7 %)"."""
    if point is None:
        return ""
    if point.same:
        return "0"
    if point.distance != point.distance:
        return f"{point.a:.6g} and {point.b:.6g}"
    return f"{point.distance:.3g} ({percent(point.relative)})"


def _print(console: Console, rows: Sequence[_Row], spare: Sequence[str]) -> None:
    """A table without those of the spare columns, in this order, that a narrow terminal has no room for."""
    left, unlimited = list(spare), console.options.update(width=10_000)
    room = console.width if console.is_terminal else max(console.width, _PIPE_WIDTH)
    names = list(rows[0])
    table = _table(names, rows)
    while left and console.measure(table, options=unlimited).maximum > room:
        names.remove(left.pop(0))
        table = _table(names, rows)
    console.print(table, width=room)


def _table(names: Sequence[str], rows: Sequence[_Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_edge=False, padding=(0, 2, 0, 0))
    for number, name in enumerate(names):
        table.add_column(name, overflow="fold" if number == 0 else "ellipsis", no_wrap=number > 0)
    for row in rows:
        table.add_row(*(row[name] for name in names))
    return table
