"""What seeding costs, beside Lightning, accelerate, MONAI, numpy and torch: `make bench`.

Each task is done in several ways.  Every round times each of them once, in turn, in this process, so that a
machine whose speed drifts slows all alike; what is counted is the thread's CPU time, to which other programs
add nothing.  The table shows the median over the rounds, its quartiles, and the median of each round's ratio
to the task's first way, which is samebits'.  What is done in a DataLoader worker is timed inside one.  Ways
differ in what they do besides; the last column says so.  Writes benchmarks/results/seeding.csv.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import random
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

import samebits
from benchmarks.machine import describe, write
from samebits.data import SampleSeeded
from samebits.seeding import Key, Streams, capture_rng, isolated, restore_rng

SEED = 202003
SAMPLES = 1024
BATCH = 32
TARGET_PER_SAMPLE = 15.0  # microseconds


@dataclass(frozen=True)
class Way:
    """One way to do a task."""

    who: str
    what: str
    call: Callable[[], Any]
    note: str = ""


@dataclass(frozen=True)
class Task:
    """The same thing done in several ways; the first is the one that ratios are taken to."""

    name: str
    ways: list[Way]
    besides: Callable[[], Any] | None = None  # timed as well, and subtracted: the work that is no seeding
    times: int = 1  # that a call does it
    target: float | None = None  # microseconds


class Peers:
    """Modules of projects that may not be installed."""

    def __init__(self) -> None:
        self.missing: list[str] = []

    def get(self, distribution: str, module: str) -> ModuleType | None:
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError as error:
            if distribution not in self.missing:
                self.missing.append(distribution)
                print(f"{distribution} is left out: {error} (pip install '.[bench]')")
            return None


def measure(task: Task, rounds: int, block: float) -> list[dict[str, Any]]:
    """Rows of the table: microseconds a call, and the ratio to the first way."""
    calls = [way.call for way in task.ways] + ([task.besides] if task.besides else [])
    times = []
    for call in calls:
        call()
        began = time.thread_time()
        for _ in range(5):
            call()
        times.append(max(3, int(5 * block / (time.thread_time() - began))))
    found: list[list[float]] = [[] for _ in task.ways]
    for _ in range(rounds):
        seconds = [_seconds(call, n) for call, n in zip(calls, times, strict=True)]
        beside = seconds.pop() if task.besides else 0.0
        for values, value in zip(found, seconds, strict=True):
            values.append((value - beside) / task.times * 1e6)
    return [
        {
            "task": task.name,
            "who": way.who,
            "way": way.what,
            "microseconds": statistics.median(values),
            "low": sorted(values)[len(values) // 4],
            "high": sorted(values)[len(values) * 3 // 4],
            "ratio": statistics.median(a / b for a, b in zip(values, found[0], strict=True)),
            "target": task.target if way is task.ways[0] and task.target else "",
            "note": way.note,
        }
        for way, values in zip(task.ways, found, strict=True)
    ]


def _seconds(call: Callable[[], Any], times: int) -> float:
    began = time.thread_time()
    for _ in range(times):
        call()
    return (time.thread_time() - began) / times


def the_process(peers: Peers) -> Task:
    ways = [Way("samebits", "seed_everything", lambda: samebits.seed_everything(SEED))]
    lightning = peers.get("pytorch-lightning", "lightning_fabric.utilities.seed")
    if lightning:
        call = lightning.seed_everything
        ways.append(
            Way("lightning", "seed_everything", lambda: call(SEED, verbose=False), "one seed for all")
        )
    accelerate = peers.get("accelerate", "accelerate.utils")
    if accelerate:
        ways.append(Way("accelerate", "set_seed", lambda: accelerate.set_seed(SEED), "one seed for all"))
    monai = peers.get("monai", "monai.utils")
    if monai:
        ways.append(Way("monai", "set_determinism", lambda: monai.set_determinism(SEED), "and cuDNN's flags"))
    ways.append(Way("torch", "manual_seed", lambda: torch.manual_seed(SEED), "torch alone"))
    return Task("seed the process", ways)


def one_stream() -> list[Task]:
    numbers = iter(range(10**12))
    key, streams, parent = Key(SEED), Streams(SEED), np.random.SeedSequence(SEED)
    numbered = key.numbered()
    streams.torch("dropout")
    narrow = "32 bits of the seed"
    return [
        Task(
            "name a stream",
            [
                Way("samebits", "Key.child(i).digest()", lambda: key.child(next(numbers)).digest()),
                Way("samebits", "Key.numbered()(a, b)", lambda: numbered(next(numbers), 3), "two numbers"),
                Way("numpy", "SeedSequence.spawn(1)", lambda: parent.spawn(1)),
            ],
        ),
        Task(
            "derive a numpy generator",
            [
                Way("samebits", "Key.child(i).numpy()", lambda: key.child(next(numbers)).numpy()),
                Way("numpy", "spawn(1), default_rng", lambda: np.random.default_rng(parent.spawn(1)[0])),
            ],
        ),
        Task(
            "derive a torch generator",
            [
                Way("samebits", "Key.child(i).torch()", lambda: key.child(next(numbers)).torch()),
                Way("torch", "Generator().manual_seed(i)", lambda: _torch_generator(next(numbers)), narrow),
            ],
        ),
        Task(
            "derive a python generator",
            [
                Way("samebits", "Key.child(i).python()", lambda: key.child(next(numbers)).python()),
                Way("python", "Random(i)", lambda: random.Random(next(numbers))),
            ],
        ),
        Task(
            "find a stream again", [Way("samebits", "Streams.torch(name)", lambda: streams.torch("dropout"))]
        ),
    ]


def _torch_generator(number: int) -> torch.Generator:
    return torch.Generator().manual_seed(number)


def the_state(peers: Peers) -> list[Task]:
    streams = Streams(SEED)
    streams.torch("dropout")
    state = capture_rng(streams=streams)
    note, looks = "and one found; checked", "looks through the program"
    capture = [
        Way("samebits", "capture_rng(owner)", lambda: capture_rng(streams=streams), note),
        Way("samebits", "capture_rng()", capture_rng, looks),
    ]
    restore = [Way("samebits", "restore_rng(owner)", lambda: restore_rng(state, streams=streams), note)]
    scope = [
        Way("samebits", "with isolated(generators=())", lambda: _enter(isolated(generators=()))),
        Way("samebits", "with isolated()", lambda: _enter(isolated()), looks),
    ]
    fabric = peers.get("pytorch-lightning", "lightning_fabric.utilities.seed")
    trainer = peers.get("pytorch-lightning", "pytorch_lightning.utilities.seed")
    if fabric and trainer:
        states = fabric._collect_rng_states()
        capture.append(Way("lightning", "_collect_rng_states", fabric._collect_rng_states))
        restore.append(Way("lightning", "_set_rng_states", lambda: fabric._set_rng_states(states)))
        scope.append(Way("lightning", "with isolate_rng()", lambda: _enter(trainer.isolate_rng())))
    accelerate = peers.get("accelerate", "accelerate.checkpointing")
    if accelerate:
        importlib.import_module("accelerate").PartialState()  # its logger needs one
        empty: list[Any] = [[], [], [], []]
        kept: list[Any] = []
        with _no_file(accelerate, kept):
            accelerate.save_accelerator_state(".", *empty, 0, 0)
        note = "its file left out"

        def save() -> None:
            with _no_file(accelerate, kept):
                accelerate.save_accelerator_state(".", *empty, 0, 0)

        def load() -> None:
            with _no_file(accelerate, kept):
                accelerate.load_accelerator_state(".", *empty, 0)

        capture.append(Way("accelerate", "save_accelerator_state", save, note))
        restore.append(Way("accelerate", "load_accelerator_state", load, note))
    return [
        Task("capture the state", capture),
        Task("restore the state", restore),
        Task("isolate a block", scope),
    ]


def _enter(context: Any) -> None:
    with context:
        pass


@contextmanager
def _no_file(accelerate: ModuleType, kept: list[Any]) -> Iterator[None]:
    """accelerate's functions keep the state here instead of in a file."""
    save, load = torch.save, accelerate.load
    torch.save = lambda states, path: kept.__setitem__(slice(None), [states])
    accelerate.load = lambda path: kept[0]
    try:
        yield
    finally:
        torch.save, accelerate.load = save, load


class Numbers:
    """A dataset that costs nothing and draws nothing."""

    def __len__(self) -> int:
        return SAMPLES

    def __getitem__(self, index: int) -> int:
        return index


class Reseeded(Numbers):
    """What people write: the three libraries' seeds, set before each sample."""

    def __getitem__(self, index: int) -> int:
        random.seed(SEED + index)
        np.random.seed(SEED + index)
        torch.manual_seed(SEED + index)
        return index


class ReseededAndBack(Reseeded):
    """The same where the generators also belong to the training loop."""

    def __getitem__(self, index: int) -> int:
        states = random.getstate(), np.random.get_state(), torch.get_rng_state()
        try:
            return super().__getitem__(index)
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
            torch.set_rng_state(states[2])


def one_sample(peers: Peers, in_worker: bool, batch: int) -> Task:
    """The overhead of a sample: a bare dataset's time is subtracted.

    Datasets are read as a DataLoader does: a batch at once, if the dataset can.
    """
    numbers, seeded = Numbers(), SampleSeeded(Numbers(), SEED)
    seeded.set_epoch(0)
    note = "set" if in_worker else "save, set, put back"

    def reader(dataset: Any) -> Callable[[], Any]:
        batches = itertools.cycle([list(range(i, i + batch)) for i in range(0, SAMPLES, batch)])
        many = getattr(dataset, "__getitems__", None)
        return lambda: many(next(batches)) if many else [dataset[i] for i in next(batches)]

    ways = [
        Way("samebits", "SampleSeeded", reader(seeded), note),
        Way("by hand", "three seeds", reader(Reseeded() if in_worker else ReseededAndBack()), note),
    ]
    trainer = peers.get("pytorch-lightning", "pytorch_lightning.utilities.seed")
    if trainer and not in_worker:
        reseeded = Reseeded()

        class Isolated(Numbers):
            def __getitem__(self, index: int) -> int:
                with trainer.isolate_rng():
                    return reseeded[index]

        ways.append(Way("lightning", "isolate_rng, three seeds", reader(Isolated()), note))
    transforms, monai = peers.get("monai", "monai.transforms"), peers.get("monai", "monai.data.utils")
    if transforms and monai:
        flip = transforms.Compose([transforms.RandFlip(0.5)])

        class Randomizable(Numbers):
            def __getitem__(self, index: int) -> int:
                monai.set_rnd(flip, SEED + index)
                return index

        ways.append(Way("monai", "set_rnd", reader(Randomizable()), "numpy in one transform only"))
    where = "in a worker" if in_worker else "in the main process"
    name = f"seed a sample {where}, {batch} at once" if batch > 1 else f"seed a sample {where}"
    return Task(name, ways, reader(numbers), batch, TARGET_PER_SAMPLE)


class InWorker(torch.utils.data.Dataset[Any]):
    """Its one sample is the measurement, so that it is made in a DataLoader worker."""

    def __init__(self, peers: Peers, rounds: int, block: float) -> None:
        self.peers, self.rounds, self.block = peers, rounds, block

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> list[dict[str, Any]]:
        tasks = [one_sample(self.peers, in_worker=True, batch=batch) for batch in (1, BATCH)]
        return [row for task in tasks for row in measure(task, self.rounds, self.block)]


def in_worker(peers: Peers, rounds: int, block: float) -> list[dict[str, Any]]:
    loader = torch.utils.data.DataLoader(
        InWorker(peers, rounds, block), batch_size=None, num_workers=1, collate_fn=lambda rows: rows
    )
    (rows,) = loader
    return list(rows)


def versions() -> dict[str, str]:
    names = ("numpy", "pytorch-lightning", "accelerate", "monai")
    return {name: _version(name) for name in names}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _show(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        target = f" (target {row['target']:.0f})" if row["target"] else ""
        print(
            f"{row['task']:45} {row['who']:10} {row['way']:28} {row['microseconds']:9.2f} {row['low']:9.2f} "
            f"- {row['high']:9.2f} {row['ratio']:7.2f}  {row['note']}{target}",
            flush=True,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=61)
    parser.add_argument("--block", type=float, default=0.004, help="seconds that one way is timed at a time")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # of the peers, while they are imported and seeded
    torch.set_num_threads(1)
    peers = Peers()
    state = capture_rng()
    flags = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    rows: list[dict[str, Any]] = []
    print(f"{'task':45} {'who':10} {'way':28} {'us':>9} {'quartiles':>21} {'ratio':>7}  note")
    try:
        for task in [
            the_process(peers),
            *one_stream(),
            *(one_sample(peers, False, n) for n in (1, BATCH)),
            *the_state(peers),
        ]:
            rows += measure(task, options.rounds, options.block)
            _show(rows[-len(task.ways) :])
        found = in_worker(peers, options.rounds, options.block)
        rows += found
        _show(found)
    finally:
        restore_rng(state)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = flags
    write(Path(__file__).parent / "results" / "seeding.csv", [row | versions() for row in rows])
    print(f"{describe()}, " + ", ".join(f"{name} {version}" for name, version in versions().items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
