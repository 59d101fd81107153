"""The verdict over logged metrics as a person reads it, in a pipe and on terminals of two widths."""

from __future__ import annotations

import io
import math
from typing import Literal

import pytest
from rich.console import Console

from samebits.metrics import MetricsVerdict, Tolerance, compare_metrics
from samebits.report.metrics import print_metrics

from ..metrics.made import log, series

Detail = Literal["quiet", "normal", "verbose"]


def printed(
    verdict: MetricsVerdict, width: int = 100, *, terminal: bool = False, detail: Detail = "normal"
) -> str:
    """Without the blanks at the ends of a table's rows."""
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, color_system=None, highlight=False)
    print_metrics(verdict, console, detail=detail)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def parted() -> MetricsVerdict:
    falling = [2.0 * math.exp(-step / 20) + 0.1 for step in range(60)]
    other = [y if step < 30 else y + 1e-6 * 10 ** ((step - 30) / 8) for step, y in enumerate(falling)]
    rate = series([0.125] * 3, digits=4)
    a = log("a", loss=falling, acc=[0.5, 0.75], lr=rate, cut=[1.0, 2.0], odd=[math.nan])
    bit = math.nextafter(0.75, 1)
    b = log("b", loss=other, acc=[0.5, bit], lr=rate, cut=[1.0], odd=[1.0], extra=[1.0])
    return compare_metrics([a, b])


WIDE = """\
DIVERGED  odd differs first, at step 0

metric  values                         from step  largest               at the end            grows tenfold
loss    60      differs                30         0.00422 (2 %)         0.00422 (2 %)         in 8 steps
acc     2       differs, 1 ulp         1          1.11e-16 (1.5e-14 %)  1.11e-16 (1.5e-14 %)
odd     1       differs                0          nan and 1             nan and 1
cut     1       missing
lr      3       identical in 4 digits
  cut: the first run alone logged 1 more value.

Compared: 5 metrics of 2 logs (CSV), 67 values. Logs that round keep 4 digits or more; what lies
below was not compared.
Note: not in every log, so not compared: extra (in b)"""
NARROW = """\
DIVERGED  odd differs first, at step 0

metric                         from step
loss    differs                30
acc     differs, 1 ulp         1
odd     differs                0
cut     missing
lr      identical in 4 digits
  cut: the first run alone logged 1 more value.

Compared: 5 metrics of 2 logs (CSV), 67 values. Logs that
round keep 4 digits or more; what lies below was not
compared.
Note: not in every log, so not compared: extra (in b)"""


def test_in_a_pipe() -> None:
    assert printed(parted(), 120) == WIDE.replace("lies\nbelow", "lies below")
    assert "grows tenfold" in printed(parted(), 100)  # and a table wider than that
    assert printed(parted(), 60) == printed(parted(), 100)  # a pipe is as wide as prose needs


def test_on_a_narrow_terminal_the_names_stay() -> None:
    """Columns go before the names do, and no line is wider than the terminal."""
    assert printed(parted(), 60, terminal=True) == NARROW
    for width in (30, 40, 60, 80, 100):
        text = printed(parted(), width, terminal=True)
        assert max(map(len, text.splitlines())) <= width
        if width >= 40:
            for name in ("loss", "acc", "odd", "cut", "lr"):
                assert any(line.startswith(name) for line in text.splitlines()), (name, width)


def test_quiet_is_one_line() -> None:
    assert printed(parted(), detail="quiet") == "DIVERGED  odd differs first, at step 0"


def test_several_runs() -> None:
    lasts = {"a": 1.5, "b": 1.0, "c": 2.0, "d": 3.0}
    logs = [log(name, loss=[1.0, last], acc=[0.5, 0.5]) for name, last in lasts.items()]
    assert (
        printed(compare_metrics(logs, within=Tolerance.parse("2sd")))
        == """\
WITHIN  every metric lies within 2 sd of the further runs' last values

metric             from step  last values but the first's: mean  sd  smallest  largest
loss    within     1          2                                  1   1         3
acc     identical             0.5                                0   0.5       0.5

Compared: 2 metrics of 4 logs (CSV), 12 values."""
    )


def test_same_and_incomplete() -> None:
    same = compare_metrics([log(name, loss=[1.0]) for name in "ab"])
    assert printed(same).splitlines()[0] == "SAME  every value agrees: 1 metric of 2 logs (CSV), 1 value"
    nothing = compare_metrics([log("a", loss=[1.0]), log("b", acc=[1.0])])
    assert (
        printed(nothing)
        == """\
INCOMPLETE  the logs have no metric in common
Compared: no metric that all logs have.
Note: not in every log, so not compared: loss (in a), acc (in b)"""
    )


def test_many_metrics() -> None:
    """What differs comes first; the rest is counted, and shown with -v."""
    names = [f"m{number:02}" for number in range(20)]
    logs = [log(run, **{name: [float(run == "b" and name == "m19")] for name in names}) for run in "ab"]
    text = printed(compare_metrics(logs))
    assert text.splitlines()[3].startswith("m19")
    assert "  and 8 more (-v shows them)" in text.splitlines()
    assert all(name in printed(compare_metrics(logs), detail="verbose") for name in names)


@pytest.mark.parametrize("runs", ["ab", "abc"])
@pytest.mark.parametrize("values", [[], [math.inf], [-math.inf], [math.nan], [1e308], [-1e308], [5e-324]])
def test_no_values_break_it(runs: str, values: list[float]) -> None:
    logs = [log(name, loss=values if name != "b" else [1.0]) for name in runs]
    assert printed(compare_metrics(logs))
    assert printed(compare_metrics([log(name, loss=values) for name in runs]))


def test_hostile_text_is_shown_as_escapes() -> None:
    hostile = "\x1b[2J\u202e[bold]\x07\r\n"
    first = log(hostile, [f"cut {hostile}"], **{hostile: [1.0], "x" + hostile: [1.0]})
    logs = [first, log("b", **{hostile: [2.0]})]
    for terminal in (True, False):
        text = printed(compare_metrics(logs), terminal=terminal)
        assert all(character == "\n" or character.isprintable() for character in text)
        assert r"\x1b[2J\u202e[bold]\x07\r\n" in text
