"""What a training step costs under `samebits.portable`: time and memory, beside torch's own arithmetic.

Six cases: the three programs of tests/arithmetic/programs, and three larger models.  Two trainings of a
case go on in turn in one process, one of them inside the mode, which is entered and left outside the timed
part.  Memory is how much the peak of a process grows from before the model to after five steps, in a
process for each way.

Writes benchmarks/results/portable-steps.csv if nothing is left out.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import samebits
from benchmarks.machine import describe, write
from benchmarks.models import Transformer
from benchmarks.portable import timing

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "arithmetic" / "programs"
RESULT = ROOT / "benchmarks" / "results" / "portable-steps.csv"

#: Case -> time over native, at most.
TARGETS = {
    "cnn": 1.5,
    "transformer": 1.5,
    "lstm": 2.0,
    "resnet18": 1.5,
    "transformer 256": 1.5,
    "lstm 256": 2.0,
}
TARGET_MEMORY = 1.3
#: Program -> its optimizer, and SGD's learning rate.
OPTIMIZERS = {"cnn": "sgd", "transformer": "adamw", "lstm": "adam"}


class Residual(nn.Module):
    """Two convolutions, and a way around them."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(out) for _ in range(2))
        self.around: nn.Module = nn.Identity()
        if stride != 1:
            self.around = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norms[0](self.first(x)))
        return F.relu(self.norms[1](self.second(y)) + self.around(x))


def resnet() -> nn.Module:
    """ResNet-18 as it is used on images of 32 x 32."""
    widths = (64, 64, 128, 256, 512)
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    for before, width in pairwise(widths):
        layers += [Residual(before, width, 1 if before == width else 2), Residual(width, width, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


class Lstm(nn.Module):
    """A language model of two layers, 256 wide."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(256, 256)
        self.layers = nn.LSTM(256, 256, num_layers=2, dropout=0.2, batch_first=True)
        self.head = nn.Linear(256, 256)

    def forward(self, tokens: Tensor) -> Tensor:
        out: Tensor = self.head(self.layers(self.embed(tokens))[0])
        return out


def _larger(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> Iterator[Tensor]:
    while True:
        optimizer.zero_grad()
        out = model(x)
        loss = F.cross_entropy(out.reshape(-1, out.shape[-1]), y.flatten())
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        yield loss.detach()


def training(case: str) -> Iterator[Tensor]:
    """The losses of its steps, one computed at a time."""
    torch.manual_seed(0)
    if case in OPTIMIZERS:
        if str(PROGRAMS) not in sys.path:
            sys.path.insert(0, str(PROGRAMS))  # as when it is run
        program, common = import_module(case), import_module("training")
        model = program.Net()
        losses: Iterator[Tensor] = program.train(model, common.optimizer(OPTIMIZERS[case], model, 0.05))
        return losses
    if case == "resnet18":
        model = resnet()
        sgd = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
        return _larger(model, sgd, torch.randn(32, 3, 32, 32), torch.randint(10, (32,)))
    model, shape = (Transformer(), (8, 128)) if case == "transformer 256" else (Lstm(), (32, 64))
    adamw = torch.optim.AdamW(model.parameters(), lr=1e-3)
    return _larger(model, adamw, torch.randint(256, shape), torch.randint(256, shape))


def portable() -> AbstractContextManager[Any]:
    return samebits.portable(0, undefined="warn")


SCOPES: dict[str, Callable[[], AbstractContextManager[Any]]] = {"native": nullcontext, "ours": portable}


def times(case: str, options: argparse.Namespace) -> dict[str, float]:
    ways = []
    for name, scope in SCOPES.items():
        with scope():
            losses = training(case)
        ways.append(timing.Way(name, lambda losses=losses: next(losses), scope))  # type: ignore[misc]
    found = timing.columns(timing.interleaved(ways, options.rounds, options.block))
    return {key.replace(" us", " ms"): value / 1e3 if " us" in key else value for key, value in found.items()}


def memory(case: str, way: str) -> float:
    """Megabytes by which the peak grows."""
    with SCOPES[way]():
        torch.ones(1).exp()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        losses = training(case)
        for _ in range(5):
            next(losses)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e3


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=TARGETS, help="these cases; the results are not kept")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--block", type=float, default=0.05, help="seconds that one way runs at a time")
    parser.add_argument("--one", nargs=3, metavar=("CASE", "WHAT", "THREADS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        case, what, threads = options.one
        torch.set_num_threads(int(threads))
        found: Any = times(case, options) if what == "times" else {f"{what} MB": memory(case, what)}
        print(json.dumps(found))
        return 0
    rows = []
    for case in options.only or TARGETS:
        for threads in options.threads:
            row: dict[str, Any] = {"case": case, "threads": threads, "target": TARGETS[case]}
            for what in ("times", *SCOPES):
                words = [
                    *("-m", "benchmarks.portable.steps", "--one", case, what, str(threads)),
                    *("--rounds", str(options.rounds), "--block", str(options.block)),
                ]
                done = subprocess.run([sys.executable, *words], cwd=ROOT, stdout=subprocess.PIPE, check=True)
                row |= json.loads(done.stdout.splitlines()[-1])
            row["memory ratio"] = row["ours MB"] / row["native MB"]
            rows.append(row)
            print(
                f"{case:16} threads {threads}: {row['native ms']:8.2f} ms, {row['ours ms']:8.2f} ms, "
                f"{row['ratio']:.2f} ({row['low']:.2f}-{row['high']:.2f}), target {row['target']}; "
                f"memory {row['memory ratio']:.2f}, target {TARGET_MEMORY}",
                flush=True,
            )
    if not options.only:
        write(RESULT, rows)
    print(describe())
    return 0


if __name__ == "__main__":
    sys.exit(main())
