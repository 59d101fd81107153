"""Documents of a report (docs/reference/report.md), small functions each: what the tests of the page draw."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any

#: What tries to leave its place in a page: to be markup, to turn the writing round, to be no text at all.
HOSTILE = (
    "</script><img src=x onerror=\"window.ran='markup'\">",
    "<script>window.ran='script'</script>",
    "<!--<script>",
    "javascript:window.ran='link'",
    "{{document}} ${window.ran='template'}",
    "\u202egnp.exe\u2066 \u200b\ufeff",
    "a\x00b\x1b[31m\x7f\u2028\u2029",
    "half \ud800 a pair \udfff",
    "x" * 10_000,
    "'\"`&amp;&lt;",
)


def single(value: float) -> float:
    """The shortest decimal that is this float32."""
    exact = struct.unpack("f", struct.pack("f", value))[0]
    for digits in range(6, 10):
        short = float(f"{exact:.{digits}g}")
        if struct.unpack("f", struct.pack("f", short))[0] == exact:
            return short
    raise AssertionError(value)


def curve(
    name: str,
    lists: Sequence[Sequence[Any]],
    *,
    steps: Sequence[float] | None = None,
    unit: str = "step",
    dtype: str = "float32",
    total: int | None = None,
) -> dict[str, Any]:
    steps = list(range(len(lists[0]))) if steps is None else list(steps)
    parted = [at for at, row in enumerate(zip(*lists, strict=True)) if len(set(map(str, row))) > 1]
    first = steps[parted[0]] if parted else None
    return {
        "name": name,
        "unit": unit,
        "dtype": dtype,
        "total": total or len(steps),
        "steps": steps,
        "values": [list(values) for values in lists],
        "first": first,
        "sentence": "identical in every bit"
        if first is None
        else f"differs in {len(parted)} of {len(steps)} points, first at {unit} {first}",
    }


def falling(at: int, scale: float = 1.0, drift: float = 0.0) -> float:
    """A loss as they look: it falls, with ripples; `drift` is how far another run has left it."""
    ripple = 0.12 * math.sin(at * 1.7) + 0.08 * math.sin(at * 0.37 + 1)
    return single(scale * (0.35 + 1.9 * math.exp(-at / 60) + ripple * math.exp(-at / 150)) + drift)


def grown(at: int, start: int, most: float = 0.05) -> float:
    """A difference that begins in the last bits and grows."""
    return 0.0 if at < start else min(2e-7 * math.exp((at - start) / 9), most) * math.cos(at * 0.9)


def pair(name: str, start: int, steps: int = 200, scale: float = 1.0) -> dict[str, Any]:
    a = [falling(at, scale) for at in range(steps)]
    b = [falling(at, scale, scale * grown(at, start)) for at in range(steps)]
    return curve(name, [a, b])


def run(label: str, kind: str = "record") -> dict[str, Any]:
    number = "ABCDEFGH".index(label) + 1
    return {
        "label": label,
        "name": f"20250102-{number}",
        "path": f".samebits/20250102-{number}",
        "kind": kind,
        "command": "python train.py --epochs 1 --lr 0.1",
        "created": f"2025-01-02T10:0{number}:00Z",
        "status": "ended",
        "steps": 200,
    }


def report(word: str, headline: str, runs: str = "AB", **more: Any) -> dict[str, Any]:
    """A document with every key, empty but for what is given."""
    empty: dict[str, Any] = {
        "format": "samebits.report",
        "version": 1,
        "samebits": "0.1.0",
        "created": "2025-01-02T10:05:00Z",
        "word": word,
        "headline": headline,
        "rests_on": "200 steps, 61,200 operations, 200 losses, every gradient and every parameter.",
        "runs": [run(label) for label in runs],
        "curves": [],
        "first": None,
        "causes": [],
        "layers": [],
        "strip": [],
        "weights": [],
        "modules": None,
        "generators": [],
        "operations": [],
        "environment": [],
        "metrics": [],
        "tables": [],
        "notes": [],
    }
    assert more.keys() <= empty.keys()
    return empty | more


def trials() -> dict[str, Any]:
    """What a cure found."""
    row = [{"text": "needed", "tone": "agrees"}, "numpy", "train.py:3", "np.random.seed(0)", "", "it draws"]
    table = {
        "name": "cure",
        "title": "What makes it repeat",
        "sentence": "6 runs.",
        "head": ["", "change", "at", "what it does", "cost of a step", "why"],
        "rows": [row],
        "code": "--- a/train.py\n+++ b/train.py\n@@ -1 +1,2 @@\n import numpy\n+numpy.random.seed(0)\n",
        "notes": ["and run it so: samebits run --only numpy train.py"],
    }
    return report("cured", "one change makes it repeat, found in 6 runs", tables=[table])


SOURCE = {
    "file": "train.py",
    "start": 33,
    "line": 36,
    "text": "    def forward(self, levels):\n        # levels: (batch, height, width)\n"
    "        levels = self.norm(levels)\n        image = self.table[levels].permute(0, 3, 1, 2)\n"
    "        features = self.body(image)\n        return self.head(features.mean((2, 3)))\n",
}


def place(step: int = 40) -> dict[str, Any]:
    return {
        "rank": 0,
        "process": "main",
        "thread": 0,
        "step": step,
        "phase": "backward",
        "op": "aten::index_put",
        "change": "value",
        "module": "reader.embed",
        "node": "IndexBackward0",
        "file": "train.py",
        "line": 36,
        "function": "forward",
        "difference": {"differing": 244, "elements": 272, "max_abs": 2.56e-9, "max_ulp": 416},
        "source": SOURCE,
        "inputs": "agree",
        "differs": "244 of 272 elements, by at most 2.56e-09 and 416 ULP",
    }


CAUSES = [
    {
        "name": "nondeterministic-kernel",
        "confidence": 0.97,
        "file": "train.py",
        "line": 36,
        "why": "aten::_index_put_impl_ at train.py:36 (the forward line of IndexBackward0): both runs gave "
        "it the same inputs, bit for bit, and got other results; its kernel adds in an order threads decide.",
        "fix": "samebits.deterministic()  # once, before training",
        "source": None,
    },
    {
        "name": "environment-difference",
        "confidence": 0.21,
        "file": None,
        "line": None,
        "why": "The runs used 8 and 6 threads.",
        "fix": "torch.set_num_threads(8)",
        "source": None,
    },
]


def digest(number: int) -> str:
    return f"{(number * 0x9E3779B97F4A7C15) % 2**64:016x}"


def operations(rows: int = 120, first: int = 60) -> list[dict[str, Any]]:
    names = ("aten::index", "aten::permute", "aten::convolution", "aten::relu", "aten::mean", "aten::addmm")

    def one(index: int, salt: int) -> dict[str, Any]:
        return {
            "index": 12_200 + index,
            "step": 40 + (index > first),
            "phase": "forward" if index < first else "backward",
            "name": "aten::index_put" if index == first else names[index % len(names)],
            "file": "train.py",
            "line": 30 + index % 9,
            "module": ("reader.embed", "reader.body", "reader.head")[index % 3],
            "digest": digest(index + salt),
            "inputs": digest(2 * index + (salt if index > first else 0)),
        }

    made = []
    for index in range(rows):
        same = index < first or index % 7 == 0
        a, b = one(index, 0), one(index, 0 if same else 1000)
        made.append({"a": a, "b": b, "same": same, "first": index == first})
        if index % 41 == 40:
            made.append({"a": None, "b": one(index, 5), "same": False, "first": False})
    return made


MODULES = tuple(f"{part}.{number}.{leaf}" for part in ("reader.body", "reader.head") for number in range(6)
                for leaf in ("conv", "norm"))  # fmt: skip


def modules(start: int = 40, columns: int = 40, names: Sequence[str] = MODULES) -> dict[str, Any]:
    width = 200 // columns

    def value(row: int, column: int, shift: int) -> float | None:
        since = column * width - start - shift - row
        if row % 11 == 10 and column % 4:
            return None
        if since < 0:
            return 0
        return 1e-300 if since < 4 else float(f"{min(1e-9 * math.exp(since / 9), 0.3):.3g}")

    return {
        "names": list(names),
        "columns": [[column * width, column * width + width - 1] for column in range(columns)],
        "gradient": [[value(row, column, 0) for column in range(columns)] for row in range(len(names))],
        "parameter": [[value(row, column, 8) for column in range(columns)] for row in range(len(names))],
    }


def generators(start: int = 130) -> list[dict[str, Any]]:
    columns = [[at * 5, at * 5 + 4] for at in range(40)]
    a = [10 + at % 3 for at in range(40)]
    return [
        {"name": "torch:cpu", "columns": columns, "a": a,
         "b": [number + (at * 5 == start) for at, number in enumerate(a)],
         "same": [None if at % 9 == 8 else at * 5 < start for at in range(40)]},
        {"name": "numpy", "columns": columns, "a": [4] * 40, "b": [4] * 40, "same": [True] * 40},
    ]  # fmt: skip


def diverged() -> dict[str, Any]:
    """Two records that part at step 40; the loss only shows it at step 52."""
    tenth = range(0, 200, 10)
    overflowing = [65536.0] * 90 + ["inf"] * 6 + ["nan"] * 24 + [32768.0] * 80
    curves = [
        pair("train/loss", 52),
        pair("gradient norm", 40, scale=3.1),
        pair("train/accuracy", 80, scale=0.4),
        curve("lr", [[single(0.1 * 0.99**at) for at in range(200)]] * 2),
        curve(
            "val/loss",
            [[falling(at) for at in tenth], [falling(at, 1, grown(at, 60)) for at in tenth]],
            steps=tenth,
            dtype="float64",
        ),
        curve("scale", [[65536.0] * 90 + [32768.0] * 110, overflowing]),
    ]
    return report(
        "diverged",
        "first at step 40, aten::index_put, train.py:36",
        curves=curves,
        first=place(),
        causes=CAUSES,
        layers=["batch", "generator", "loss", "gradient", "parameter"],
        strip=[[0, 40, -1], [40, 1, 3], [41, 11, 3], [52, 78, 2], [130, 20, 1], [150, 6, None], [156, 44, 0]],
        weights=[
            {"steps": [0, 39], "loss": True, "parameters": True, "a": digest(1), "b": digest(1)},
            {"steps": [40, 51], "loss": True, "parameters": False, "a": digest(2), "b": digest(3)},
            {"steps": [52, 179], "loss": False, "parameters": False, "a": digest(4), "b": digest(5)},
            {"steps": [180, 199], "loss": False, "parameters": None, "a": None, "b": None},
        ],
        modules=modules(),
        generators=generators(),
        operations=operations(),
        environment=[
            {"key": "torch.num_threads", "a": 8, "b": 6, "matters": True},
            {"key": "env.OMP_NUM_THREADS", "a": "8", "b": None, "matters": True},
            {"key": "host.name", "a": "laptop", "b": "node17", "matters": False},
        ],
        metrics=[
            {"name": "train/loss", "points": 200, "verdict": "differs",
             "sentence": "148 of 200 points differ, first at step 52, by at most 0.0497"},
            {"name": "train/accuracy", "points": 200, "verdict": "within",
             "sentence": "120 of 200 points differ, by at most 1.2e-07: within 1e-6"},
            {"name": "lr", "points": 200, "verdict": "identical",
             "sentence": "every bit of 200 points agrees"},
        ],
        notes=["The two runs printed other text.", "Processes compared: main."],
    )  # fmt: skip


def logs() -> dict[str, Any]:
    """Two metric logs: no operations, no steps of evidence; one curve by epoch."""
    curves = [
        pair("loss", 30),
        curve(
            "eval/loss", [[1.0, 0.7, 0.55, 0.5], [1.0, 0.7, 0.56, 0.5]], steps=[0.5, 1, 1.5, 2], unit="epoch"
        ),
        curve("eval/accuracy", [[0.1, None, 0.3, None], [0.1, 0.2, None, 0.4]], unit="row", dtype="float64"),
    ]
    runs = [run("A", "TensorBoard") | {"command": None, "status": None},
            run("B", "CSV") | {"command": None, "status": None, "created": None, "steps": None}]  # fmt: skip
    metrics = [
        {
            "name": one["name"],
            "points": one["total"],
            "verdict": "identical" if one["first"] is None else "differs",
            "sentence": one["sentence"],
        }
        for one in curves
    ]
    return report(
        "diverged",
        "loss differs first at step 30",
        curves=curves,
        metrics=metrics,
        rests_on="3 metrics, 208 points.",
    ) | {"runs": runs}


def several(runs: int = 3) -> dict[str, Any]:
    """So many runs, each of which leaves the first a little later."""
    lists = [
        [falling(at, 1, number * grown(at, 20 + 15 * number)) for at in range(200)] for number in range(runs)
    ]
    labels = "ABCDEFGH"[:runs]
    return report("diverged", "loss differs first at step 35", labels, curves=[curve("loss", lists)])


def same() -> dict[str, Any]:
    values = [falling(at) for at in range(200)]
    return report(
        "same",
        "2 runs, 200 steps, 61,200 operations: every bit agrees",
        curves=[curve("loss", [values, values]), curve("gradient norm", [values, values])],
        layers=["batch", "loss", "gradient", "parameter"],
        strip=[[0, 200, -1]],
        weights=[{"steps": [0, 199], "loss": True, "parameters": True, "a": digest(1), "b": digest(1)}],
        modules=modules(start=10_000),
    )


def empty(word: str = "incomplete") -> dict[str, Any]:
    """Nothing was compared."""
    return report(word, "nothing was compared: torch was not used", rests_on="")


def hostile() -> dict[str, Any]:
    """Everything that is text is one of HOSTILE, in turn."""
    turn = iter(range(10**6))

    def spoil(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: spoil(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [spoil(inner, key) for inner in value]
        if not isinstance(value, str) or key in ("word", "unit", "dtype", "label", "values", "verdict"):
            return value
        return HOSTILE[next(turn) % len(HOSTILE)]

    spoiled: dict[str, Any] = spoil(diverged() | {"tables": trials()["tables"]})
    spoiled["curves"][1]["values"][1][5] = HOSTILE[0]
    return spoiled


def big(points: int = 10_000, steps: int = 100_000, rows: int = 1000) -> dict[str, Any]:
    """100,000 steps, thinned; 1,000 operations; 400 modules."""
    at = range(0, steps, steps // points)
    a = [falling(step // 60) + 0.01 * math.sin(step) for step in at]
    b = [value + grown(step // 500, 80) for value, step in zip(a, at, strict=True)]
    curves = [
        curve(name, [list(map(single, a)), list(map(single, b))], steps=at, total=steps)
        for name in ("loss", "gradient norm")
    ]
    curves += [curves[0] | {"name": f"metric {number}"} for number in range(24)]
    names = [f"model.layers.{number // 4}.{('q', 'k', 'v', 'o')[number % 4]}_proj" for number in range(400)]
    heat = modules(100, 200, names)
    heat["columns"] = [[column * 500, column * 500 + 499] for column in range(200)]
    strip = [[step, 10, 2 if step > 40_000 and step % 50 else -1] for step in range(0, steps, 10)]
    return diverged() | {
        "curves": curves,
        "modules": heat,
        "generators": [],
        "weights": [],
        "strip": strip,
        "operations": operations(rows, rows // 2),
    }


#: Every one, by name.
ALL: dict[str, Callable[[], dict[str, Any]]] = {
    "diverged": diverged, "logs": logs, "several": several, "same": same, "empty": empty, "hostile": hostile,
    "big": big, "trials": trials,
}  # fmt: skip
