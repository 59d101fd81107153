"""Prove the truth of the corpus without the product.

Each script is run whole, twice, each time in a fresh folder.  Then, in a fresh folder for each trial, it is
killed (SIGKILL) at a random moment after its first checkpoint, and started again with its resume words.  The
fingerprint of the final weights, which is the last line printed, must be the whole run's if the script is
complete, and another one in every trial if it is lossy.  A lossy script's mended copy (`mend` of truth.toml)
must be complete: so what the mend adds is what was lost, and nothing else was.  Last, the resumed run must
fail where its checkpoint was emptied: a script that began anew would repeat, too.

Exit 1 if one of these does not hold.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import corpus
from program import Program, RunFailed, TooLate, fresh, preload


@dataclass(frozen=True)
class Case:
    """A script, as it is or mended."""

    entry: corpus.Entry
    mended: bool

    @property
    def name(self) -> str:
        return f"{self.entry.name}{' mended' if self.mended else ''}"

    @property
    def complete(self) -> bool:
        return self.mended or self.entry.lost is None


@dataclass(frozen=True)
class Whole:
    fingerprint: str
    seconds: float
    after: float  # seconds from the first checkpoint to the end


@dataclass
class Outcome:
    """What the trials of one case came to."""

    equal: int = 0
    other: int = 0
    torn: list[str] = field(default_factory=list)  # how resumed runs failed whose trials were made again
    steady: bool = True  # both whole runs had one fingerprint
    reads: bool = True  # the resumed run failed without its checkpoint
    moments: list[float] = field(default_factory=list)  # seconds from the first checkpoint to the kill
    seconds: float = 0.0  # of the slowest whole run
    error: str = ""

    def faults(self, complete: bool, trials: int) -> list[str]:
        """What is not as the truth says."""
        found = [self.error] if self.error else []
        found += [] if self.steady else ["whole runs differ"]
        found += [] if self.reads else ["it goes on without its checkpoint"]
        as_told = self.equal if complete else self.other
        return found + ([] if as_told == trials or found else ["fingerprints"])


def run_whole(program: Program) -> Whole:
    begin = time.monotonic()
    with program.started([]) as run:
        program.await_checkpoint(run)
        first = time.monotonic()
        fingerprint = program.fingerprint(run)
        end = time.monotonic()
    if not program.checkpoints():
        raise RunFailed(f"the whole run left no {program.entry.checkpoint}")
    return Whole(fingerprint, end - begin, end - first)


def fails_without_checkpoint(case: Case) -> bool:
    """Whether a resumed run fails where all files of the checkpoint were emptied after the kill."""
    with fresh(case.entry, mended=case.mended) as program:
        program.kill_after(0)
        for path in program.checkpoints():
            for file in [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]:
                file.write_bytes(b"")
        try:
            program.resume()
        except RunFailed:
            return True
    return False


def trial(case: Case, moment: float) -> str | None:
    """The fingerprint of a run that was killed at `moment` and resumed; None: it had ended by then."""
    with fresh(case.entry, mended=case.mended) as program:
        try:
            program.kill_after(moment)
        except TooLate:
            return None
        return program.resume()


def check(case: Case, trials: int, seed: int) -> Outcome:
    outcome = Outcome()
    try:
        _check(case, trials, random.Random(f"{seed} {case.name}"), outcome)
    except (RunFailed, TooLate) as error:
        outcome.error = f"{type(error).__name__}: {error}"
    return outcome


def _check(case: Case, trials: int, draw: random.Random, outcome: Outcome) -> None:
    wholes = []
    for _ in range(2):
        with fresh(case.entry, mended=case.mended) as program:
            wholes.append(run_whole(program))
    outcome.seconds = max(whole.seconds for whole in wholes)
    outcome.steady = wholes[0].fingerprint == wholes[1].fingerprint
    span = min(whole.after for whole in wholes)
    late = 0
    while outcome.equal + outcome.other < trials:
        moment = draw.uniform(0, span)
        try:
            fingerprint = trial(case, moment)
        except RunFailed as error:  # killed while the checkpoint was written, so that it cannot be read
            outcome.torn.append(str(error).strip().rpartition("\n")[2])
            if len(outcome.torn) > trials:
                raise
            continue
        if fingerprint is None:
            late += 1
            if late > 4 * trials:
                raise RunFailed("too often the run ended before it was killed")
            continue
        outcome.moments.append(moment)
        if fingerprint == wholes[0].fingerprint:
            outcome.equal += 1
        else:
            outcome.other += 1
    outcome.reads = fails_without_checkpoint(case)


def row(case: Case, outcome: Outcome, faults: list[str]) -> str:
    kind = "mended" if case.mended else case.entry.lost or "complete"
    how = "" if case.complete else case.entry.how
    moments = " ".join(f"{moment:.2f}" for moment in outcome.moments)
    line = f"{case.entry.name:20} {kind:16} {how:10} {outcome.equal:>5} {outcome.other:>5} "
    line += f"{len(outcome.torn):>4} {outcome.seconds:6.1f}s  {moments}"
    line += f"  <-- wrong: {'; '.join(faults)}" if faults else ""
    return "\n".join([line, *(f"    torn: {text}" for text in outcome.torn)])


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="*", metavar="PATTERN", help="name or lost state, or `complete`")
    parser.add_argument("--trials", type=int, default=5, help="random kills of each script")
    parser.add_argument("--seed", type=int, default=0, help="of the moments to kill at")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--no-mended", action="store_true", help="leave out the mended copies")
    parser.add_argument(
        "--forked", action="store_true", help="runs are forks of a process that has imported torch: quicker"
    )
    args = parser.parse_args()

    entries = corpus.load_runnable(args.only)
    cases = [Case(entry, mended) for entry in entries for mended in (False, True)]
    cases = [case for case in cases if not case.mended or (case.entry.lost and not args.no_mended)]
    if args.forked:
        preload()
    print(f"{'script':20} {'lost':16} {'how':10} {'equal':>5} {'other':>5} torn   whole  killed after (s)")
    wrong = []
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(args.jobs, context) as pool:
        outcomes = pool.map(partial(check, trials=args.trials, seed=args.seed), cases)
        for case, outcome in zip(cases, outcomes, strict=True):
            faults = outcome.faults(case.complete, args.trials)
            print(row(case, outcome, faults), flush=True)
            wrong += [case.name] if faults else []
    lossy = [entry for entry in entries if entry.lost]
    print(
        f"\n{len(lossy)} lossy scripts ({len({entry.lost for entry in lossy})} states), "
        f"{len(entries) - len(lossy)} complete; {args.trials} random kills each: "
        + ("all as the truth says" if not wrong else "wrong: " + ", ".join(wrong))
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
