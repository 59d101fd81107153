"""Runs a program in pairs, with remedies made or not, in mirrors of its folder."""

from __future__ import annotations

import os.path
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from samebits.compare import Verdict
from samebits.control.changes import CHANGES
from samebits.control.settings import Control
from samebits.errors import RecordError
from samebits.launch.mirror import Mirror
from samebits.launch.mirror_links import is_below
from samebits.launch.program import Program
from samebits.launch.verify import verify
from samebits.record.run import Run
from samebits.source.source_text import SourceText
from samebits.trials.cure.patchwork import PatchConflict, Patchwork
from samebits.trials.cure.remedies import FRESH, Remedy

#: Called as progress(run, most, steps, None, what): runs from 1, at most how many, and what is tried.
CureProgress = Callable[[int, int, int, None, str], None]
_SEED: Final = 0
#: A run with a change is ended after so many times as long as one without, and a minute.
_TIMES: Final = 20
_MINUTE: Final = 60.0


class Spent(Exception):
    """No run is left."""


@dataclass
class Bench:
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
    longest: float | None = None  # seconds of a run of the program as it is
    linked: tuple[str, ...] = ()
    touched: set[str] = field(default_factory=set)  # files of the user's, past the mirror
    remedies: list[Remedy] = field(default_factory=list)
    patches: Patchwork = field(init=False)

    def __post_init__(self) -> None:
        self.patches = Patchwork(lambda file: SourceText.read(self.folder / file), self._named)

    def _named(self, file: str) -> str:
        """The file that a link leads to, if in the working folder: a patch of the link changes no file."""
        here = os.path.realpath(self.folder)
        real = os.path.realpath(os.path.join(here, file))
        return os.path.relpath(real, here) if is_below(real, here) else file

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
        self,
        chosen: Collection[int],
        what: str,
        *,
        look: bool = True,
        plain: bool = False,
        except_operations: tuple[str, ...] = (),
    ) -> Verdict:
        """The verdict of a pair with these remedies made, and no others.

        ``look``: the pair is run again where its place is not told.  ``plain``: nothing but weights is read.
        ``except_operations``: of those that a remedy makes deterministic, these stay as they are.

        Raises:
            Spent: that would be more runs than are allowed.
            PatchConflict: they cannot be made without others.
        """
        if self.runs + self.pair > self.most:
            raise Spent
        files = {file: self.patches.data(file, chosen) for file in self.patches.files(chosen)}
        before = self.runs

        def tell(run: int, _: int, steps: int) -> None:
            self.runs = max(self.runs, before + run - 1)  # an interrupt ends the one that is running
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
                control=self._but_for(self.control(chosen), except_operations),
                out=self.out,
                timeout=self._patience(),
                progress=tell,
                again=look and self.runs + 2 * self.pair <= self.most,
                rewrite=not plain,
                renew=mirrored if FRESH in self._outside(chosen) else lambda: program,
            )
            self.touched.update(str(path) for mirror in made for path in mirror.changed())
        self.runs = before + max(len(verdict.runs), 1)
        if self.longest is None:
            self.longest = max((_seconds(self.out, name) for name in verdict.runs), default=0.0)
        return verdict

    def _patience(self) -> float | None:
        """Seconds that a run may take: a change may make a program wait for ever."""
        if self.timeout is not None or not self.longest:
            return self.timeout
        return _TIMES * self.longest + _MINUTE

    def control(self, chosen: Collection[int]) -> Control:
        """What is changed of how the program runs, with these remedies."""
        names = [name for name in self._outside(chosen) if name != FRESH]
        changes = [name for name in names if name in CHANGES]
        return Control.of([name for name in names if name not in changes], _SEED, changes)

    @staticmethod
    def _but_for(control: Control, operations: tuple[str, ...]) -> Control:
        """The control; a mode that the program itself opens inherits what stays as it is."""
        if not operations:
            return control
        only = control.only if control else ()
        return replace(
            control,
            deterministic=True,
            only=None if only is None else (*only, "operations"),
            except_operations=operations,
        )

    def _outside(self, chosen: Collection[int]) -> list[str]:
        return [self.remedies[number].name for number in chosen if self.remedies[number].outside]


def _seconds(out: Path, name: str) -> float:
    """How long a run took, as far as it is known."""
    try:
        with Run.open(out / name) as run:
            return float(run.info.get("seconds") or 0.0)
    except RecordError:
        return 0.0
