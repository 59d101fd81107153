"""Prove the truth of the corpus without the product.

Each script is run plainly several times, one run after the other in one fresh folder, and
the fingerprints it prints last are compared. Runs of a faulty script must differ in every
pair, or nearly; runs of a clean one never. Exit 1 if that does not hold.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import corpus

# What the caller's shell may set and the runs must not see.
CLEARED = ("PYTHONHASHSEED", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "ATEN_CPU_CAPABILITY")


@dataclass
class Outcome:
    entry: corpus.Entry
    differing: int  # pairs of runs with two fingerprints
    pairs: int
    seconds: float  # of the slowest run
    error: str = ""

    @property
    def holds(self) -> bool:
        if self.error:
            return False
        if self.entry.verdict == "same":
            return self.differing == 0
        return self.differing == self.pairs


def fingerprint(entry: corpus.Entry, folder: Path, env: dict[str, str]) -> str:
    """Run the script once in `folder`; return the fingerprint on its last line."""
    command = [sys.executable]
    if entry.command == "torchrun":
        command += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command += [entry.script, *entry.script_args]
    clean = {k: v for k, v in os.environ.items() if k not in CLEARED}
    done = subprocess.run(
        command, cwd=folder, env={**clean, **env}, capture_output=True, text=True, timeout=120
    )
    last = re.search(r"^fingerprint ([0-9a-f]+)\s*\Z", done.stdout, re.MULTILINE)
    if done.returncode or not last:
        raise RuntimeError(f"exit {done.returncode}: {(done.stderr or done.stdout)[-800:]}")
    return last[1]


def check(entry: corpus.Entry, trials: int, runs: int) -> Outcome:
    outcome = Outcome(entry, 0, 0, 0.0)
    for _ in range(trials):
        with tempfile.TemporaryDirectory(prefix="faults-") as name:
            folder = Path(name)
            entry.copy_to(folder)
            seen = []
            for number in range(runs):
                start = time.monotonic()
                try:
                    env = entry.env_b if number % 2 else entry.env_a
                    seen.append(fingerprint(entry, folder, env))
                except (RuntimeError, subprocess.TimeoutExpired) as error:
                    outcome.error = str(error)
                    return outcome
                outcome.seconds = max(outcome.seconds, time.monotonic() - start)
            # The first pair is what `verify` runs; later runs count for clean scripts, whose
            # runs must all agree, while e.g. a cache may make runs 2 and 3 of a faulty one equal.
            later = seen[1:] if entry.verdict == "same" else seen[1:2]
            outcome.pairs += len(later)
            outcome.differing += sum(value != seen[0] for value in later)
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    corpus.add_options(parser)
    parser.add_argument("--trials", type=int, default=3, help="fresh folders per script")
    parser.add_argument("--runs", type=int, default=2, help="runs in each folder")
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()

    entries = corpus.load_runnable(args.corpus, args.only)
    failed = []
    print(f"{'script':24} {'cause':26} {'differing':>9}  {'slowest':>7}")
    with ThreadPoolExecutor(args.jobs) as pool:
        for outcome in pool.map(lambda e: check(e, args.trials, args.runs), entries):
            entry = outcome.entry
            counts = f"{outcome.differing}/{outcome.pairs}"
            mark = "" if outcome.holds else "  <-- wrong"
            print(
                f"{entry.name:24} {entry.cause or '-':26} {counts:>9}  {outcome.seconds:6.1f}s{mark}",
                flush=True,
            )
            if outcome.error:
                print(outcome.error)
            if not outcome.holds:
                failed.append(entry.name)
    faulty = sum(entry.verdict == "diverged" for entry in entries)
    causes = len({entry.cause for entry in entries if entry.cause})
    print(
        f"\n{faulty} faulty scripts ({causes} causes), {len(entries) - faulty} clean; "
        f"{args.trials} trials of {args.runs} runs: "
        + ("all as the truth says" if not failed else "wrong: " + ", ".join(failed))
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
