"""The guides' experiment again: a detector is trained twice; its two loss curves, and their difference.

    python -m tools.guide_figures [--runs FOLDER] [--out FOLDER]

Trains `examples/yolo.py` twice with the upsampling layer that adds in an order that threads decide, and twice
with the one that does not, under `samebits verify`.  Writes `guides-curves.svg`, `guides-difference.svg` and
`guides.json`, on which docs/guides.md reports (G7).  Ten minutes; runs that are in FOLDER already are taken
as they are.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.figure import Figure

import samebits
from samebits.launch.output import kept
from samebits.metrics import Series
from samebits.metrics.pairs import distances, paired
from samebits.record.run import Run, list_runs

ROOT: Final = Path(__file__).resolve().parents[1]
SCRIPT: Final = Path("examples") / "yolo.py"
WAYS: Final = ("index", "interpolate")
_PRECISION: Final = re.compile(r"^mAP@0\.5 ([\d.]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Pair:
    """Two trainings: the losses and the mean average precision of each, and what samebits says of them."""

    losses: tuple[Series, Series]
    precisions: tuple[float, float]
    verdict: Mapping[str, Any]  # docs/reference/verdict.md
    source: str | None = None  # the line that it names


def trained(upsample: str, folder: Path) -> Pair:
    """Train twice under `samebits verify`, unless the runs are there already."""
    document = folder / f"{upsample}.json"
    if not document.exists():
        print(f"training twice with --upsample {upsample}", flush=True)
        verdict = samebits.verify(SCRIPT, ["--upsample", upsample], out=folder / upsample)
        document.write_text(json.dumps(verdict.as_json()), "utf-8")
    first, second = list_runs(folder / upsample)[-2:][::-1]  # what was run again afterwards is newer
    answer = json.loads(document.read_text("utf-8"))
    place = answer["first"]
    source = place and (ROOT / SCRIPT).read_text("utf-8").splitlines()[place["line"] - 1].strip()
    return Pair(
        (losses(first.path), losses(second.path)),
        (precision(first.path), precision(second.path)),
        answer,
        source,
    )


def losses(run: Path) -> Series:
    with Run.open(run) as opened:
        found = opened.records["main"].losses()
    steps = np.array([loss.step for loss in found], np.int64)
    values = np.array([np.nan if loss.value is None else loss.value for loss in found])
    return Series("loss", steps, values, "float32")


def precision(run: Path) -> float:
    """What the program printed at its end."""
    found = _PRECISION.search(kept(run, "stdout") or "")
    if found is None:
        raise SystemExit(f"guide_figures: {run} printed no mAP: the training did not end")
    return float(found[1])


def measured(pair: Pair) -> dict[str, Any]:
    """The numbers of a pair, as they are written and printed."""
    steps, values, beside = paired(*pair.losses)
    apart = distances(values, beside)
    differing = steps[apart > 0]
    place = pair.verdict["first"]
    keys = ("op", "step", "phase", "module", "line", "function", "difference")
    return {
        "verdict": pair.verdict["verdict"],
        "first": place
        and {key: place[key] for key in keys} | {"file": SCRIPT.as_posix(), "source": pair.source},
        "causes": [cause["name"] for cause in pair.verdict["causes"]],
        "steps": len(steps),
        "losses_that_differ": len(differing),
        "first_loss_that_differs": int(differing[0]) if len(differing) else None,
        "largest_difference": float(apart.max()),
        "largest_difference_at": int(steps[apart.argmax()]) if len(differing) else None,
        "final_difference": float(apart[-1]),
        "final_losses": [float(values[-1]), float(beside[-1])],
        "mAP": list(pair.precisions),
        "mAP_relative_difference": abs(pair.precisions[1] / pair.precisions[0] - 1),
    }


def draw(pairs: Mapping[str, Pair], out: Path) -> list[Path]:
    """The curves of each pair in one figure, their differences in another."""
    with rc_context({"svg.hashsalt": "samebits"}):  # and no date: equal runs give equal files
        curves, differences = (Figure(figsize=(9, 3.4), layout="constrained") for _ in range(2))
        rows = [figure.subplots(1, len(pairs), squeeze=False)[0] for figure in (curves, differences)]
        for (upsample, pair), upper, lower in zip(pairs.items(), *rows, strict=True):
            samebits.plot(*pair.losses, axes=(upper, lower), labels=["first run", "second run"])
            for axes in (upper, lower):
                axes.set_title(
                    f"yolo.py --upsample {upsample}: {pair.verdict['verdict'].upper()}", fontsize=10
                )
            upper.set_xlabel("step")
            if (place := pair.verdict["first"]) is not None:
                named = (
                    f"{place['op']}, step {place['step']}, {place['phase']}\n{SCRIPT.name}:{place['line']}"
                )
                lower.annotate(
                    f"what samebits names:\n{named}",
                    *((place["step"], 0), (0.35, 0.3)),
                    textcoords="axes fraction",
                    fontsize=8,
                    arrowprops={"arrowstyle": "->", "color": "#666666"},
                )
        files = [out / "guides-curves.svg", out / "guides-difference.svg"]
        for figure, file in zip((curves, differences), files, strict=True):
            figure.savefig(file, metadata={"Date": None})
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=Path, help="where the runs are kept, and found again")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        pairs = {upsample: trained(upsample, options.runs or Path(name)) for upsample in WAYS}
    options.out.mkdir(parents=True, exist_ok=True)
    draw(pairs, options.out)
    machine = {"cpu_threads": 2, "torch": torch.__version__, "architecture": platform.machine()}
    document = machine | {upsample: measured(pair) for upsample, pair in pairs.items()}
    text = json.dumps(document, indent=2) + "\n"
    (options.out / "guides.json").write_text(text, "utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
