"""The smallest set of remedies that makes a program repeat, found by running it.

The program runs in mirrors of its folder, in pairs.  What the records of a diverging pair point at is tried
first; a remedy stays in the set if the runs then part later, elsewhere or not at all, and the next pair is
asked about what is left.  Where nothing proposed helps, everything is controlled from outside, and what of it
matters is found by halving.  At last each remedy is left out once, and what is not missed goes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from samebits.compare import Verdict
from samebits.errors import RecordError
from samebits.launch.program import Program
from samebits.record.run import Run
from samebits.trials.cure import operations
from samebits.trials.cure.bench import Bench, CureProgress, Spent
from samebits.trials.cure.cost import cost, noise, step_seconds
from samebits.trials.cure.patchwork import PatchConflict
from samebits.trials.cure.remedies import OUTSIDE, Remedy, outside, proposed
from samebits.trials.cure.result import CureResult, Needed, Proof

#: Runs at most, unless the caller says otherwise.
MOST_RUNS: Final = 40


def cure(
    program: Program,
    *,
    steps: int | None = None,
    runs: int = 2,
    out: Path = Path(".samebits"),
    timeout: float | None = None,
    most_runs: int = MOST_RUNS,
    progress: CureProgress | None = None,
) -> CureResult:
    """Find the smallest set of remedies that makes a program repeat, and prove it.

    Args:
        program: runs in a mirror of its folder; nothing in the folder itself is changed.
        steps: each run is stopped cleanly after so many optimizer steps.
        runs: how many runs have to agree; more than two for what rarely differs.
        out: the folder in which runs are kept.
        timeout: seconds that one run may take.
        most_runs: the search ends after so many.
        progress: called a few times a second while a run lasts.

    Raises:
        LaunchError: the program could not be started, or its folder not be mirrored.
    """
    bench = Bench(program, Path.cwd(), steps, out.absolute(), timeout, runs, most_runs, progress)
    search = _Search(bench)
    try:
        search.run()
    except Spent:
        search.spent = True
    except KeyboardInterrupt:
        search.interrupted = True
    return search.result()


class _Search:
    """What is known so far, in the order of trying."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.first: Verdict | None = None  # of the program as it is
        self.last: Verdict | None = None  # of the set that is made
        self.made: list[int] = []
        self.minimal: set[int] = set()  # those without which the runs are known to part
        self.proof: Proof | None = None
        self.operations: tuple[str, ...] | None = None  # that have to be deterministic
        self.spent = self.interrupted = False
        self._tried: set[tuple[object, ...]] = set()
        self._timed: dict[frozenset[int], list[str]] = {}

    def run(self) -> None:
        self.first = self.last = self._verify([], "as it is")
        while self.last.verdict == "diverged":
            if not (self._propose() or self._control()):
                return
        if self.last.verdict == "same" and self.made:
            self._reduce()
            self._prove()
            if self.last.verdict == "same":
                self._each_operation()

    # -- finding -----------------------------------------------------------------------------------
    def _verify(self, chosen: Sequence[int], what: str, *, look: bool = True) -> Verdict:
        verdict = self.bench.verify(chosen, what, look=look)
        self._timed[frozenset(chosen)] = list(verdict.runs[: self.bench.pair])
        return verdict

    def _propose(self) -> bool:
        """Take in the first remedy of those that the records propose with which the runs agree further."""
        assert self.last is not None
        before = self.last
        for remedy in proposed(before):
            key = (remedy.name, remedy.edits, frozenset(self.made)) if remedy.edits else (remedy.name,)
            if key in self._tried:
                continue
            self._tried.add(key)
            if self._helps(remedy, before):
                return True
        return False

    def _helps(self, remedy: Remedy, before: Verdict) -> bool:
        number = self.bench.add(remedy, self.made)
        if number is None:
            return False
        after = self._verify([*self.made, number], remedy.what)
        if after.verdict != "same" and not self._further(before, after, [*self.made, number]):
            return False
        self.made.append(number)
        self.last = after
        return True

    def _further(self, before: Verdict, after: Verdict, made: Sequence[int]) -> bool:
        """Whether a pair still parts, but later or elsewhere than the one before, or for another reason."""
        a, b = before.first, after.first
        if after.verdict != "diverged" or a is None or b is None:
            return False
        places = [
            (place.step, place.op, place.phase, place.process, self._original(place.file, place.line, chosen))
            for place, chosen in ((a, self.made), (b, made))
        ]
        if places[0] != places[1]:
            return b.step >= a.step
        reasons = []
        for verdict, chosen in ((before, self.made), (after, made)):
            cause = verdict.causes[0] if verdict.causes else None
            site = cause.site if cause else None
            at = self._original(site.file, site.line, chosen) if site else None
            reasons.append((cause.cause if cause else None, at))
        return reasons[0] != reasons[1]

    def _original(
        self, file: str | None, line: int | None, made: Sequence[int]
    ) -> tuple[str | None, int | None]:
        """A line as it was counted before anything was changed."""
        if file is None or line is None:
            return file, line
        try:
            return file, self.bench.patches.line(file, line, made)
        except PatchConflict:
            return file, line

    def _control(self) -> bool:
        """Control everything from outside; then find what of it matters, if that makes the runs agree."""
        taken = {self.bench.remedies[number].name for number in self.made}
        names = [name for name in OUTSIDE if name not in taken]
        if not names or ("everything",) in self._tried:
            return False
        self._tried.add(("everything",))
        numbers = [
            number for name in names if (number := self.bench.add(outside(name), self.made)) is not None
        ]
        before = self.last
        assert before is not None
        after = self._verify([*self.made, *numbers], "everything that can be controlled")
        if self._further(before, after, [*self.made, *numbers]):
            self.made += numbers
            self.last = after
            return True
        if after.verdict != "same":
            return False
        self.made += self._halved(numbers)
        self.last = after
        return True

    def _halved(self, numbers: list[int]) -> list[int]:
        """A part of ``numbers`` that does, none of which can be left out: delta debugging (ddmin)."""
        parts = 2
        while len(numbers) > 1:
            size = -(-len(numbers) // parts)
            chunks = [numbers[at : at + size] for at in range(0, len(numbers), size)]
            smaller = chunks if parts == 2 else []
            smaller = smaller + [[n for n in numbers if n not in chunk] for chunk in chunks if parts > 2]
            for chosen in smaller:
                if self._same([*self.made, *chosen], self._words(chosen)):
                    numbers, parts = chosen, 2 if chosen in chunks else max(parts - 1, 2)
                    break
            else:
                if parts >= len(numbers):
                    break
                parts = min(2 * parts, len(numbers))
        self.minimal |= set(numbers)
        return numbers

    # -- smaller, and proved -----------------------------------------------------------------------
    def _reduce(self) -> None:
        """Leave out each remedy once; what is not missed goes."""
        if len(self.made) == 1:
            self.minimal |= set(self.made)
        for number in list(self.made):
            if number in self.minimal:
                continue
            rest = [other for other in self.made if other != number]
            if number == self.made[-1] and self._timed.get(frozenset(rest)):
                self.minimal.add(number)  # without it they did part
            elif self._same(rest, f"without {self.bench.remedies[number].what}"):
                self.made = rest
            else:
                self.minimal.add(number)

    def _prove(self) -> None:
        """Run the program with the set twice more, with nothing read but the weights."""
        verdict = self.bench.verify(self.made, "the proof", plain=True, look=False)
        self.proof = Proof.of(verdict, self.bench.out)
        if verdict.verdict == "diverged":
            self.last = verdict

    def _each_operation(self) -> None:
        """Of the operations that are made deterministic, leave out each once."""
        if not any(self.makes_deterministic(number) for number in self.made) or self.first is None:
            return
        names: dict[str, None] = {}
        with suppress(RecordError), Run.open(self.bench.out / self.first.runs[0]) as run:
            names.update(dict.fromkeys(operations.made(run)))
        if self.first.first is not None and (name := operations.named(self.first.first.op)) is not None:
            names[name] = None
        needed, left_out = list(names), list[str]()
        for name in names if len(names) > 1 else ():
            if self.bench.runs + self.bench.pair > self.bench.most:
                return
            without = (*left_out, name)
            what = f"{name} as it is in PyTorch"
            verdict = self.bench.verify(self.made, what, look=False, except_operations=without)
            if verdict.verdict == "same":
                left_out.append(name)
                needed.remove(name)
        self.operations = tuple(needed) if needed else None

    def makes_deterministic(self, number: int) -> bool:
        """Whether a remedy makes operations deterministic."""
        remedy = self.bench.remedies[number]
        return remedy.name in ("operations", "nondeterministic-kernel")

    def _same(self, chosen: Sequence[int], what: str) -> bool:
        try:
            return self._verify(chosen, what, look=False).verdict == "same"
        except PatchConflict:
            return False

    def _words(self, chosen: Collection[int]) -> str:
        return ", ".join(self.bench.remedies[number].name for number in chosen)

    # -- what is said ------------------------------------------------------------------------------
    def result(self) -> CureResult:
        """As far as it is known."""
        same = self.last is not None and self.last.verdict == "same"
        needed = []
        timed = {chosen: step_seconds(self.bench.out, runs) for chosen, runs in self._timed.items()}
        between = noise(timed.values())
        for number in self.made:
            rest = frozenset(other for other in self.made if other != number)
            without, with_it = timed.get(rest, []), timed.get(frozenset(self.made), [])
            needed.append(
                Needed(
                    self.bench.remedies[number],
                    number in self.minimal,
                    cost(without, with_it, between) if same else None,
                    self.operations if self.makes_deterministic(number) else None,
                )
            )
        inside = [number for number in self.made if not self.bench.remedies[number].outside]
        control = self.bench.control(self.made)
        return CureResult(
            first=self.first,
            last=self.last,
            needed=tuple(needed),
            proof=self.proof,
            patch=self.bench.patches.diff(inside) if same else b"",
            files={file: self.bench.patches.data(file, inside) for file in self.bench.patches.files(inside)},
            originals={file: self.bench.patches.data(file, ()) for file in self.bench.patches.files(inside)},
            control=control,
            runs=self.bench.runs,
            most=self.bench.most,
            program=tuple(self.bench.program.words()),
            linked=self.bench.linked,
            touched=tuple(sorted(self.bench.touched)),
            spent=self.spent,
            interrupted=self.interrupted,
        )
