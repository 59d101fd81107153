"""The guides' figures from given runs: what is drawn, and that it is drawn alike each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samebits.metrics import Series

pytest.importorskip("matplotlib")
figures = pytest.importorskip("tools.guide_figures")


def pair(*, apart: bool) -> object:
    steps = np.arange(400)
    values = 6 + np.exp(-steps / 60)
    other = values + apart * np.where(steps < 3, 0.0, 1e-7 * np.exp(np.minimum(steps, 150) / 10))
    place = {"op": "aten::index_put", "step": 0, "phase": "backward", "module": "upsample", "line": 47,
             "function": "forward", "difference": None}  # fmt: skip
    verdict = {
        "verdict": "diverged" if apart else "same",
        "first": place if apart else None,
        "causes": [{"name": "nondeterministic-kernel"}] * apart,
    }
    losses = tuple(Series("loss", steps, each, "float32") for each in (values, other))
    return figures.Pair(losses, (0.5, 0.505 if apart else 0.5), verdict, "x[rows]" if apart else None)


def test_equal_runs_give_equal_files(tmp_path: Path) -> None:
    pairs = {"index": pair(apart=True), "interpolate": pair(apart=False)}
    written = []
    for name in "ab":
        (tmp_path / name).mkdir()
        files = figures.draw(pairs, tmp_path / name)
        assert [file.name for file in files] == ["guides-curves.svg", "guides-difference.svg"]
        written.append([file.read_bytes() for file in files])
        assert all(len(data) < 150_000 for data in written[-1])
    assert written[0] == written[1]


def test_the_numbers() -> None:
    found = figures.measured(pair(apart=True))
    assert found["first_loss_that_differs"] == 3
    assert (found["steps"], found["losses_that_differ"]) == (400, 397)
    assert found["largest_difference"] == found["final_difference"] > 0.1
    assert found["mAP_relative_difference"] == pytest.approx(0.01)
    assert found["first"]["line"] == 47
    found = figures.measured(pair(apart=False))
    assert (found["first"], found["first_loss_that_differs"], found["largest_difference"]) == (
        None,
        None,
        0.0,
    )
