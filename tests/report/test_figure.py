"""The figure of two curves: what is drawn is what the runs logged, and nothing of the user's is touched."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samebits
from samebits.metrics import MetricLog, Series

pytest.importorskip("matplotlib")


def series(*values: float, steps: list[int] | None = None, **fields: Any) -> Series:
    places = range(len(values)) if steps is None else steps
    return Series("train/loss", np.array(places, np.int64), np.array(values), **fields)


A = series(4.0, 3.0, 2.0, 1.0)
B = series(4.0, 3.0, 2.5, 1.0)


def texts(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]


def drawn(axes: Any) -> list[tuple[list[float], list[float]]]:
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]


def test_two_curves_and_their_difference() -> None:
    curves, difference = samebits.plot(A, B)
    assert drawn(curves) == [([0, 1, 2, 3], list(A.values)), ([0, 1, 2, 3], list(B.values))]
    line, mark = drawn(difference)
    assert line == ([0, 1, 2, 3], [0.0, 0.0, 0.5, 0.0])
    assert mark[0] == [2, 2]
    assert texts(difference) == ["first difference at step 2", "equal"]
    assert curves.get_ylabel() == "train/loss"
    assert [text.get_text() for text in curves.get_legend().get_texts()] == ["run A", "run B"]
    assert len({str(line.get_color()) for line in curves.lines}) == 2
    assert len({line.get_linestyle() for line in curves.lines}) == 2  # told apart in grey


def test_zero_lies_in_the_band_and_below_every_difference() -> None:
    _, difference = samebits.plot(A, series(4.0, 3.0 + 1e-12, 2.5, 1.0))
    shown = difference.transData.transform([(0, 0.0), (0, 1e-12), (0, 0.5)])[:, 1]
    low, high = difference.get_ylim()
    bottom, top = difference.transData.transform([(0, low), (0, high)])[:, 1]
    assert bottom < shown[0] < shown[1] < shown[2] < top
    band = difference.patches[0].get_window_extent()
    assert band.y0 <= shown[0] <= band.y1 < shown[1]
    assert 0.0 in difference.get_yticks()


def test_equal_runs() -> None:
    _, difference = samebits.plot(A, A)
    assert drawn(difference) == [([0, 1, 2, 3], [0.0] * 4)]
    assert texts(difference) == ["equal"]
    assert list(difference.get_yticks()) == [0.0]


def test_what_a_log_rounded_is_identical_as_far_as_it_says() -> None:
    rounded = replace(A, digits=4)
    assert texts(samebits.plot(A, rounded)[1]) == ["equal to 4 digits, as logged"]


def test_values_without_a_distance_are_marked() -> None:
    nan = float("nan")
    _, difference = samebits.plot(series(1.0, nan, 1.0), series(1.0, nan, nan))
    line, marks, _ = drawn(difference)
    assert line == ([0, 1], [0.0, 0.0])
    assert marks[0] == [2]
    assert "first difference at step 2" in texts(difference)


def test_several_runs_and_runs_without_a_common_step() -> None:
    _, difference = samebits.plot(A, B, series(1.0, steps=[9]), A, labels=["a", "b", "c", "d"])
    assert texts(difference)[:2] == ["b: step 2", "c: no step in common"]
    assert len(difference.lines) == 4  # three differences and a mark


@pytest.mark.parametrize("factor", [1e-320, 1e-30, 1e30, 1e307])
def test_any_size_is_drawn(factor: float) -> None:
    curves, _ = samebits.plot(series(1.0, 1.0), series(1.0, 1.0 + factor))
    curves.figure.savefig(BytesIO(), format="png", dpi=20)
    curves, _ = samebits.plot(series(0.0, 0.0), series(factor, 0.0))
    curves.figure.savefig(BytesIO(), format="png", dpi=20)


def test_a_log_and_axes_of_the_users() -> None:
    from matplotlib.figure import Figure

    logs = [
        MetricLog(name, Path(name), "CSV", {"lr": A, "train/loss": one}) for name, one in (("a", A), ("b", B))
    ]
    axes = Figure().subplots(1, 2)
    curves, difference = samebits.plot(*logs, metric="train/loss", axes=axes)
    assert (curves, difference) == tuple(axes)
    assert [text.get_text() for text in curves.get_legend().get_texts()] == ["a", "b"]
    with pytest.raises(samebits.UsageError, match=r"plot: a has no metric 'x'; it has: lr, train/loss$"):
        samebits.plot(*logs, metric="x")
    assert samebits.plot(*logs)[0].get_ylabel() == "train/loss"  # the only one with a loss in its name


def test_arguments_that_cannot_be_meant() -> None:
    from matplotlib.figure import Figure

    with pytest.raises(samebits.UsageTypeError, match=r"plot: a run must be .* got int$"):
        samebits.plot(A, 3)  # type: ignore[arg-type]
    with pytest.raises(samebits.UsageError, match="labels must be as many as runs, 2, got 'ab'"):
        samebits.plot(A, B, labels="ab")
    for axes in (Figure().subplots(), [1, 2], Figure().subplots(1, 3)):
        with pytest.raises(samebits.UsageTypeError, match="axes must be two of matplotlib's axes"):
            samebits.plot(A, B, axes=axes)


def test_nothing_of_the_users_is_touched() -> None:
    """No pyplot, no setting; and without matplotlib one sentence, before anything is read."""
    program = """
import sys
import io, matplotlib, numpy as np, samebits
from samebits.metrics import Series
def settings():  # but for the one whose reading looks for a screen
    return {name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != "backend"}
before = settings()
one = Series("loss", np.arange(2), np.ones(2))
samebits.plot(one, one)[0].figure.savefig(io.BytesIO(), format="svg")
assert settings() == before
assert not {"matplotlib.pyplot", "torch"} & set(sys.modules)
for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
    del sys.modules[name]
sys.modules["matplotlib"] = None
try:
    samebits.plot("a.csv", "b.csv")
except ModuleNotFoundError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == (
        'samebits.plot needs matplotlib, which is not installed: pip install "samebits[plot]"\n'
    ), done.stderr
