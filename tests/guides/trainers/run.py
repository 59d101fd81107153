"""Run two public trainers twice under `samebits run`, and compare the weights: `make guides`.

    python -m tests.guides.trainers.run CHECKOUT_OR_FOLDER_OF_CHECKOUTS ... [--markdown] [--json PATH]

A checkout is known by the files it holds, and is never written to: each run has a copy of its own, with
small pictures made on the spot.  Each trainer runs five times: twice with one seed, whose weights must agree
bit for bit; once with another seed, whose weights must differ, or the comparison would show nothing (they
must agree if the trainer seeds everything itself); and twice without samebits, of which is only said whether
the weights agree.

Exit 0 when all of that is so, 1 when weights are not as they must be, 2 when a trainer fails, when a setting
to be changed is not where it was, and when no checkout is found.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy
import torch

from .trainers import EPOCHS, STEPS, TRAINERS, WORKERS, EditError, Trainer, pictures

SHIM = Path(__file__).parent / "shim"
#: What is not the trainer's own choice, for each run.
AROUND = (
    "torchvision's operations nms and qnms are declared before its import (a CPU build of torch is without)",
    "numpy.sctypes is there, as before numpy 2.0 (imgaug reads it)",
    'CUDA_VISIBLE_DEVICES="" (the CPU is trained on, wherever this runs)',
)
SEED, ANOTHER = 11, 12
SECONDS = 1800  # in which a run must end

Weights = dict[str, torch.Tensor]


class Failed(Exception):
    """A trainer did not come to its end as it should."""


@dataclass(frozen=True)
class Outcome:
    """What the five runs of a trainer showed."""

    tensors: int
    differ: tuple[str, ...]  # names of the tensors in which the two runs with one seed differ
    differ_with_another_seed: int
    differ_without_samebits: int
    seconds: float
    seeds_itself: bool = False  # another seed has no effect

    @property
    def another_as_meant(self) -> bool:
        return (self.differ_with_another_seed == 0) == self.seeds_itself

    @property
    def good(self) -> bool:
        return not self.differ and self.another_as_meant


def find(places: list[Path]) -> Iterator[tuple[Trainer, Path]]:
    """The checkouts among these folders and the folders right below them."""
    for place in places:
        for folder in [place, *sorted(p for p in place.iterdir() if p.is_dir())]:
            for trainer in TRAINERS:
                if all((folder / file).is_file() for file in trainer.files):
                    yield trainer, folder


def commit(checkout: Path) -> str:
    """The checkout's commit, or "unknown" where it is no git checkout of its own."""
    words = ["git", "-C", str(checkout), "rev-parse", "--show-prefix", "HEAD"]
    done = subprocess.run(words, capture_output=True, text=True)
    lines = done.stdout.splitlines()
    return lines[1] if done.returncode == 0 and len(lines) == 2 and not lines[0] else "unknown"


def prepare(trainer: Trainer, checkout: Path, folder: Path) -> None:
    """A copy of the checkout with the changed settings and the pictures, which each run gets a copy of."""
    left_out = shutil.ignore_patterns(".git", "__pycache__", "*.pth", "*.weights")
    shutil.copytree(checkout, folder, ignore=left_out)
    for edit in trainer.edits:
        edit.apply(folder)
    trainer.describe(folder, *pictures(folder))


def train(trainer: Trainer, prepared: Path, folder: Path, words: list[str]) -> Weights:
    """Run the trainer, these words before its own, in a copy that is gone afterwards; what it saved."""
    shutil.copytree(prepared, folder)
    variables = {k: v for k, v in os.environ.items() if k != "PYTHONHASHSEED"}
    paths = [str(SHIM), *filter(None, [variables.get("PYTHONPATH")])]
    variables |= {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": os.pathsep.join(paths)}
    words = [sys.executable, *words, *trainer.words]
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(f"it did not end within {SECONDS} s") from error
    last = "".join(f"\n    {line}" for line in done.stdout.splitlines()[-20:])
    if done.returncode:
        raise Failed(f"exit code {done.returncode}; its last lines:{last}")
    if trainer.complaint is not None and trainer.complaint in done.stdout:
        said = next(line for line in done.stdout.splitlines() if trainer.complaint in line)
        raise Failed(f"it went on without a picture: {said.strip()}")
    if not (folder / trainer.weights).is_file():
        raise Failed(f"it saved no {trainer.weights}; its last lines:{last}")
    weights: Weights = torch.load(folder / trainer.weights, map_location="cpu")
    shutil.rmtree(folder)
    check(weights)
    return weights


def check(weights: Weights) -> None:
    """Refuse weights that would show nothing: of fewer steps, or not finite."""
    counted = [int(tensor) for name, tensor in weights.items() if name.endswith("num_batches_tracked")]
    if not counted or min(counted) < STEPS:
        raise Failed(f"it took {min(counted, default=0)} steps; {STEPS} expected")
    bad = [name for name, tensor in weights.items() if not tensor.isfinite().all()]
    if bad:
        raise Failed(f"what it learned is not finite: {', '.join(bad[:5])}")


def differing(one: Weights, other: Weights) -> tuple[str, ...]:
    """The names of the tensors that are not the same bits in both, or are in one alone."""
    return tuple(
        name
        for name in dict.fromkeys([*one, *other])
        if name not in one or name not in other or not same_bits(one[name], other[name])
    )


def same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    if (one.dtype, one.shape) != (other.dtype, other.shape):
        return False
    return torch.equal(*(t.contiguous().reshape(-1).view(torch.uint8) for t in (one, other)))


def try_out(trainer: Trainer, checkout: Path) -> Outcome:
    """The five runs of a trainer, with a line said about each."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="samebits-trainers-") as scratch:
        folder = Path(scratch).resolve()
        prepare(trainer, checkout, folder / "prepared")

        def run(name: str, seed: int | None) -> Weights:
            samebits = ["-m", "samebits", "run", "--python", sys.executable, "--seed", str(seed)]
            words = samebits if seed is not None else []
            print(f"{trainer.name}: {name} ...", end=" ", flush=True)
            start = time.monotonic()
            weights = train(trainer, folder / "prepared", folder / name, words)
            print(f"{time.monotonic() - start:.0f} s", flush=True)
            return weights

        first = run("first", SEED)
        differ = differing(first, run("second", SEED))
        another = differing(first, run("another-seed", ANOTHER))
        plain = differing(run("plain-first", None), run("plain-second", None))
        seconds = time.monotonic() - began
        return Outcome(len(first), differ, len(another), len(plain), seconds, trainer.seeds_itself)


def show(rows: list[tuple[str, ...]], markdown: bool) -> None:
    """A table: for a terminal, or for docs/guides.md."""
    head, *body = rows
    if markdown:
        for row in (head, ("---",) * len(head), *body):
            print("| " + " | ".join(row) + " |")
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def verdict(differ: int, tensors: int) -> str:
    return f"{differ} of {tensors} tensors differ" if differ else f"same, {tensors} tensors"


def report(found: list[tuple[Trainer, Path, Outcome]], markdown: bool) -> None:
    """A row a trainer, and what was changed for it."""
    head = ("trainer", "commit", "epochs", "steps", "workers", "weights", "another seed", "without samebits")
    rows: list[tuple[str, ...]] = [(*head, "seconds")]
    for trainer, checkout, outcome in found:
        differ = (len(outcome.differ), outcome.differ_with_another_seed, outcome.differ_without_samebits)
        verdicts = [verdict(n, outcome.tensors) for n in differ]
        settings = map(str, (EPOCHS, STEPS, WORKERS))
        row = (trainer.name, commit(checkout)[:12], *settings, *verdicts, f"{outcome.seconds:.0f}")
        rows.append(row)
    print()
    show(rows, markdown)
    for trainer, _, outcome in found:
        print(f"\n{trainer.name}: python {' '.join(trainer.words)}\nwhat was edited:")
        print("\n".join(f"- {edit}" for edit in trainer.edits))
        if outcome.differ:
            print(f"differ: {', '.join(outcome.differ[:5])}{', ...' if len(outcome.differ) > 5 else ''}")
        if not outcome.another_as_meant and not outcome.seeds_itself:
            print("another seed gave the same weights: that two runs agree shows nothing")
        elif not outcome.another_as_meant:
            print("another seed gave other weights, though the trainer seeds everything itself")
    print("\naround every run:\n" + "\n".join(f"- {change}" for change in AROUND))


def as_json(found: list[tuple[Trainer, Path, Outcome]]) -> str:
    versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": numpy.__version__}
    rows = [
        {
            "trainer": trainer.name,
            "url": trainer.url,
            "commit": commit(checkout),
            "words": list(trainer.words),
            "edits": list(map(str, trainer.edits)),
            "seeds": [SEED, ANOTHER],
            "epochs": EPOCHS,
            "steps": STEPS,
            "workers": WORKERS,
            "good": outcome.good,
        }
        | vars(outcome)
        for trainer, checkout, outcome in found
    ]
    machine = {"threads": torch.get_num_threads(), "machine": platform.machine(), "versions": versions}
    return json.dumps({**machine, "around": AROUND, "trainers": rows}, indent=1) + "\n"


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("places", nargs="*", type=Path, help="checkouts, or folders that hold some")
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/guides.md")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the outcome there, too")
    options = parser.parse_args(words)
    if options.json is not None and not options.json.absolute().parent.is_dir():
        parser.error(f"--json {options.json}: its folder is not there")
    checkouts = list(find([place.resolve() for place in options.places if place.is_dir()]))
    if not checkouts:
        wanted = "\n".join(f"  {trainer.url}   ({trainer.files[0]})" for trainer in TRAINERS)
        print(
            f"no checkout of a trainer is at: {' '.join(map(str, options.places)) or '(no path given)'}\n"
            "give a checkout, or a folder that holds some, of:\n" + wanted,
            file=sys.stderr,
        )
        return 2
    found = []
    for trainer, checkout in checkouts:
        try:
            found.append((trainer, checkout, try_out(trainer, checkout)))
        except (Failed, EditError) as error:
            print(f"\n{trainer.name} at {checkout}: {error}", file=sys.stderr)
            return 2
    report(found, options.markdown)
    missing = [trainer.name for trainer in TRAINERS if trainer not in [one for one, _ in checkouts]]
    if missing:
        print(f"\nno checkout given of: {', '.join(missing)}")
    if options.json is not None:
        options.json.write_text(as_json(found))
    return int(not all(outcome.good for _, _, outcome in found))


if __name__ == "__main__":
    sys.exit(main())
