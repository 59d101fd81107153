"""The smallest set of remedies that makes a program repeat, found by running it.

The program runs in mirrors of its folder, in pairs.  What the records of a diverging pair point at is tried
first; a remedy stays in the set if the runs then part later, elsewhere or not at all, and the next pair is
asked about what is left.  Where nothing proposed helps, everything is controlled from outside, and what of it
matters is found by halving.  At last each remedy is left out once, and what is not missed goes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from samebits.compare import Verdict
from samebits.control.changes import CHANGES
from samebits.control.settings import Control
from samebits.launch.mirror import Mirror
from samebits.launch.program import Program
from samebits.launch.verify import verify
from samebits.trials.cure.cost import cost, step_seconds
from samebits.trials.cure.patchwork import PatchConflict, Patchwork
from samebits.trials.cure.remedies import FRESH, OUTSIDE, Remedy, outside, proposed
from samebits.trials.cure.result import CureResult, Needed, Proof
from samebits.trials.cure.source_text import SourceText

#: Called as progress(run, most, steps, None, what): runs from 1, at most how many, and what is tried.
CureProgress = Callable[[int, int, int, None, str], None]
#: Runs at most, unless the caller says otherwise.
MOST_RUNS: Final = 40
_SEED: Final = 0


class _Spent(Exception):
    """No run is left."""


@dataclass
class _Bench:
    """Runs the program in pairs, with remedies made or not, and counts.

    Each pair begins in a mirror of its own, since an earlier one may have left what this one would find.
    """

    program: Program
    folder: Path
    steps: int | None
    out: Path
    timeout: float | None
    pair: int
    most: int
    progress: CureProgress | None
    runs: int = 0
    linked: tuple[str, ...] = ()
    touched: set[str] = field(default_factory=set)  # files of the user's, past the mirror
    remedies: list[Remedy] = field(default_factory=list)
    patches: Patchwork = field(init=False)

    def __post_init__(self) -> None:
        self.patches = Patchwork(lambda file: SourceText.read(self.folder / file))

    def add(self, remedy: Remedy, beside: Collection[int]) -> int | None:
        """The number of a remedy that can be made while those beside are; None: it cannot."""
        number = len(self.remedies)
        try:
            self.patches.add(number, remedy.edits, beside)
            for file in self.patches.files([number]):
                self.patches.data(file, [*beside, number])
        except PatchConflict:
            return None
        self.remedies.append(remedy)
        return number

    def verify(
        self, chosen: Collection[int], what: str, *, look: bool = True, plain: bool = False
    ) -> Verdict:
        """The verdict of a pair with these remedies made, and no others.

        ``look``: the pair is run again where its place is not told.  ``plain``: nothing but weights is read.

        Raises:
            _Spent: that would be more runs than are allowed.
            PatchConflict: they cannot be made without others.
        """
        if self.runs + self.pair > self.most:
            raise _Spent
        files = {file: self.patches.data(file, chosen) for file in self.patches.files(chosen)}
        before = self.runs

        def tell(run: int, _: int, steps: int) -> None:
            if self.progress is not None:
                self.progress(before + run, self.most, steps, None, what)

        with ExitStack() as mirrors:
            made: list[Mirror] = []

            def mirrored() -> Program:
                mirror = mirrors.enter_context(Mirror(self.folder, self.program))
                made.append(mirror)
                self.linked = tuple(map(str, mirror.linked))
                for file, data in files.items():
                    mirror.write(self.folder / file, data)
                return mirror.program(self.program)

            verdict = verify(
                program := mirrored(),
                runs=self.pair,
                steps=self.steps,
                level="step" if plain else "auto",
                control=self.control(chosen),
                out=self.out,
                timeout=self.timeout,
                progress=tell,
                again=look and self.runs + 2 * self.pair <= self.most,
                rewrite=not plain,
                renew=mirrored if FRESH in self._outside(chosen) else lambda: program,
            )
            self.touched.update(str(path) for mirror in made for path in mirror.changed())
        self.runs += max(len(verdict.runs), 1)
        return verdict

    def control(self, chosen: Collection[int]) -> Control:
        """What is changed of how the program runs, with these remedies."""
        names = [name for name in self._outside(chosen) if name != FRESH]
        changes = [name for name in names if name in CHANGES]
        return Control.of([name for name in names if name not in changes], _SEED, changes)

    def _outside(self, chosen: Collection[int]) -> list[str]:
        return [self.remedies[number].name for number in chosen if self.remedies[number].outside]


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
    bench = _Bench(program, Path.cwd(), steps, out.absolute(), timeout, runs, most_runs, progress)
    search = _Search(bench)
    try:
        search.run()
    except _Spent:
        search.spent = True
    except KeyboardInterrupt:
        search.interrupted = True
    return search.result()


class _Search:
    """What is known so far, in the order of trying."""

    def __init__(self, bench: _Bench) -> None:
        self.bench = bench
        self.first: Verdict | None = None  # of the program as it is
        self.last: Verdict | None = None  # of the set that is made
        self.made: list[int] = []
        self.minimal: set[int] = set()  # those without which the runs are known to part
        self.proof: Proof | None = None
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
        if after.verdict != "same" and not (after.verdict == "diverged" and _further(before, after)):
            return False
        self.made.append(number)
        self.last = after
        return True

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
        if after.verdict == "diverged" and _further(before, after):
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
        for number in self.made:
            rest = frozenset(other for other in self.made if other != number)
            without = step_seconds(self.bench.out, self._timed.get(rest, []))
            with_it = step_seconds(self.bench.out, self._timed.get(frozenset(self.made), []))
            needed.append(
                Needed(
                    self.bench.remedies[number],
                    number in self.minimal,
                    cost(without, with_it) if same else None,
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


def _further(before: Verdict, after: Verdict) -> bool:
    """Whether a pair agrees further than the one before, or parts for another reason."""
    a, b = before.first, after.first
    if a is None or b is None:
        return False
    if (a.step, a.op, a.file, a.line, a.phase, a.process) != (
        b.step,
        b.op,
        b.file,
        b.line,
        b.phase,
        b.process,
    ):
        return b.step >= a.step
    ours, theirs = ((v.causes[0].cause, v.causes[0].site) if v.causes else None for v in (before, after))
    return ours != theirs
