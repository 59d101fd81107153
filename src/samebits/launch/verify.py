"""The runs behind a verdict: a pair, and where that does not tell the place, the pair again, zoomed.

The first pair is observed operation by operation as long as that is cheap, which for a short program is
to its end, and per step from then on, at next to no cost (`observe.opening`).  Where it diverges at a step
k that was observed per step, or outputs were too large to be kept, both are run again and every operation
is recorded up to just past k, inputs and outputs included around it; what that pair shows is the verdict.
A race may part elsewhere the second time, and then both places are reported.

Nothing in the program's folder is ever moved or removed.  So a pair that parted because the first run left a
file behind agrees when it is run again, and then the first pair's own evidence says which file it was.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, TextIO

from samebits._runtime import native
from samebits.compare import Verdict, closeup, compare_all
from samebits.compare.shared import Coverage
from samebits.compare.verdict import closer
from samebits.control.settings import Control
from samebits.launch import ended, interpreter
from samebits.launch.blame import blames_us
from samebits.launch.process import check_out, new_folder, start
from samebits.launch.program import Program
from samebits.model.events import OPENING
from samebits.observe import installation, observer
from samebits.observe.plan import Plan
from samebits.record.run import Run

#: Called as progress(run, runs, steps); runs count from 1.
Progress = Callable[[int, int, int], None]
#: Bytes of outputs a zoomed run keeps, so that the difference can be told in numbers.
CAPTURE: Final = 256 << 20
#: A zoomed run larger than this is removed once the verdict is made.
KEEP: Final = 64 << 20
#: Said of a verdict on runs whose code was left as it is.
UNREWRITTEN: Final = (
    "The program failed with samebits' own names in its error, so it was run again with its code left as it "
    "is: draws, clocks, orders of sets and seeds in its code were not observed."
)
#: Without control a program is observed as it is.
AS_IT_IS: Final = Control()


def record(
    program: Program,
    *,
    level: str = "op",
    steps: int | None = None,
    control: Control = AS_IT_IS,
    out: Path = Path(".samebits"),
    timeout: float | None = None,
    progress: Progress | None = None,
) -> Run:
    """Run a program once, observed, and keep the record.  Its output passes through.

    Raises:
        LaunchError: it could not be started.
    """
    draws = prepare(program, control, out)
    plan = replace(_plan(new_folder(out), level, steps), draws=draws)
    tell = None if progress is None else (lambda done: progress(1, 1, done))
    return Run.open(start(program, control, plan, quiet=False, timeout=timeout, progress=tell, verify=None))


def verify(
    program: Program,
    *,
    runs: int = 2,
    steps: int | None = None,
    level: str = "auto",
    control: Control = AS_IT_IS,
    out: Path = Path(".samebits"),
    timeout: float | None = None,
    progress: Progress | None = None,
    again: bool = True,
    rewrite: bool = True,
    renew: Callable[[], Program] | None = None,
) -> Verdict:
    """Run a program ``runs`` times and say whether every bit agrees.

    ``again``: a pair whose place is not told is run again.  ``rewrite``: its code is rewritten, so that it
    reports what it draws, reads and lists; without that a verdict names no cause.  ``renew`` gives the
    program anew for each run, in another folder for one.

    Raises:
        LaunchError: it could not be started.
        UsageError: fewer than two runs are asked for.
    """
    draws = prepare(program, control, out)
    series = _Series(
        program, control, out.absolute(), timeout, progress, steps, draws if rewrite else None, renew
    )
    series.rewrite = rewrite
    verdict = _verdict(series, runs, level, again)
    return series.told(verdict) if rewrite else verdict


def again(
    program: Program,
    like: Run | None,
    *,
    level: str = "auto",
    steps: int | None = None,
    control: Control = AS_IT_IS,
    out: Path = Path(".samebits"),
    timeout: float | None = None,
    progress: Progress | None = None,
) -> Run:
    """Run a program once more, observed as the run ``like`` was, so that the two can be compared.

    The first of several has none.

    Raises:
        LaunchError: it could not be started.
    """
    draws = prepare(program, control, out)
    series = _Series(program, control, out.absolute(), timeout, progress, steps, draws)
    return series.run(level, like=like, total=1)


def _verdict(series: _Series, runs: int, level: str, again: bool) -> Verdict:
    first = series.run(level, total=runs)
    if (
        level == "auto"
        and ended.nothing_to_compare(first) is None
        and not (ended.has_steps(first) or _by_operation(first))
    ):
        level = "op"  # nothing to compare by steps: look at every operation instead
        by_operation = series.run("op", total=runs)
        if ended.nothing_to_compare(by_operation) is not None:  # the same program, which ended well before
            return compare_all([first, by_operation])
        first = by_operation
    if (nothing := ended.nothing_to_compare(first)) is not None:
        return nothing
    kept = [first]
    for number in range(2, runs + 1):
        kept.append(series.run(level, like=first, number=number, total=runs))
    verdict = compare_all(kept)
    if verdict.verdict == "same" and (printed := ended.printed_otherwise(kept)) is not None:
        return replace(verdict, notes=(*verdict.notes, printed))
    if verdict.verdict != "diverged" or level == "step" or not again or _is_told(verdict, first):
        return verdict
    return series.zoom(verdict, first)


def prepare(program: Program, control: Control, out: Path) -> str | None:
    """Refuse what cannot be observed; build the observer, so that no run's time limit pays for it.

    Returns the file that sees draws at the generator; None where it cannot be built.

    Raises:
        LaunchError: the program would run unobserved, or its runs not be kept; says why and the way out.
    """
    python = program.checked(control, observing=True)
    check_out(out)
    if program.kind != "command" and program.python is None and (chosen := interpreter.chosen_by()):
        assert python is not None
        _say(f"the program runs in {python.executable} ({chosen}); another one: --python PATH")
    python = python or installation.of(interpreter.python_of(None))  # if it is the environment's
    draws = _draws(python)
    if python.torch is None:
        return draws  # a command that starts a Python which has: the observer is built there
    if (refused := native.refused(observer.built_name(python))) is not None:
        _say(refused)
    if observer.in_python() or observer.is_built(python) or observer.compiler() is None:
        return draws
    line = "building the observer for this torch (once, about 20 s)"
    live = _terminal(sys.stderr)
    tick = (lambda seconds: _rewrite(f"samebits: {line}: {seconds:.0f} s")) if live else None
    if not live:
        _say(line)
    fault = None
    try:
        observer.build(python, tick)
    except observer.BuildError as e:
        fault = str(e)
    finally:
        if live:
            _rewrite("")
    if fault is not None:
        _say(f"{fault}; observing in Python instead, slower")
    return draws


def _draws(python: installation.Installation) -> str | None:
    if observer.in_python():
        return None
    try:
        return str(observer.build_draws(python))
    except observer.BuildError:
        return None  # which the observer's own building says


def _terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _rewrite(text: str) -> None:
    """The last line of the terminal, anew."""
    with suppress(OSError, ValueError):
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def _say(sentence: str) -> None:
    with suppress(OSError, ValueError):
        print(f"samebits: {sentence}", file=sys.stderr, flush=True)


class _Series:
    """The runs of one verdict: same program, same control."""

    def __init__(
        self,
        program: Program,
        control: Control,
        out: Path,
        timeout: float | None,
        progress: Progress | None,
        steps: int | None,
        draws: str | None,
        renew: Callable[[], Program] | None = None,
    ) -> None:
        self.renew = renew or (lambda: program)
        self.control = control
        self.out = out
        self.timeout = timeout
        self.progress = progress
        self.steps = steps
        self.draws = draws
        self.rewrite = True
        self.id: str | None = None

    def run(
        self,
        level: str,
        *,
        like: Run | None = None,
        zoom: tuple[int, int] | None = None,
        steps: int | None = None,
        number: int = 1,
        total: int = 2,
    ) -> Run:
        """One run; ``like`` an earlier one, it reads parameters by that one's schedule.

        One that fails with our own names in its error is run again without what put them there.
        """
        run = self._run(level, like=like, zoom=zoom, steps=steps, number=number, total=total)
        if self.rewrite and run.info.get("status") == "failed" and blames_us(ended.said(run.path)):
            run.close()
            self.rewrite = False
            run = self._run(level, like=like, zoom=zoom, steps=steps, number=number, total=total)
        return run

    def told(self, verdict: Verdict) -> Verdict:
        """The verdict, with what was not observed."""
        return verdict if self.rewrite else replace(verdict, notes=(*verdict.notes, UNREWRITTEN))

    def _run(
        self,
        level: str,
        *,
        like: Run | None,
        zoom: tuple[int, int] | None,
        steps: int | None,
        number: int,
        total: int,
    ) -> Run:
        folder = new_folder(self.out)
        self.id = self.id or folder.name
        plan = replace(
            _plan(folder, level, self.steps if steps is None else steps),
            schedule=None if like is None else _schedule(like),
            until=None if like is None else _until(like),
            zoom=zoom,
            capture_bytes=CAPTURE if zoom else 0,
            rewrite=self.rewrite,
            draws=self.draws,
        )
        tell = None if self.progress is None else self._tell(number, total)
        return Run.open(
            start(
                self.renew(),
                self.control,
                plan,
                quiet=True,
                timeout=self.timeout,
                progress=tell,
                verify=self.id,
            )
        )

    def _tell(self, number: int, total: int) -> Callable[[int], None]:
        progress = self.progress
        assert progress is not None
        return lambda done: progress(number, total, done)

    def zoom(self, coarse: Verdict, first: Run) -> Verdict:
        """The verdict of the pair run again around the place where ``coarse`` parts."""
        assert coarse.first is not None
        step = coarse.first.step
        fine = self._pair(first, step)
        runs = (*coarse.runs, *fine.runs)
        if fine.verdict == "diverged":
            verdict = closer(coarse, fine)
            closeup.keep(verdict, first.path)
            return verdict
        again = f"Run again with every operation recorded up to step {step + 1}, "
        if fine.verdict == "same" and coarse.first.process not in fine.processes:
            note = (
                f"{again}the program was ended before {coarse.first.process} came to that. With --level op "
                "every operation of whole runs is recorded."
            )
        elif fine.verdict == "same":
            note = (
                f"{again}the runs agreed. Either the difference is rare, or it hangs on something that the "
                f"first run left behind{ended.left_there(first)}."
            )
        else:
            note = f"{again}the runs could not be compared: {(fine.reason or '').partition(chr(10))[0]}."
        return replace(coarse, runs=runs, notes=(*coarse.notes, note))

    def _pair(self, first: Run, step: int) -> Verdict:
        """Two runs with every operation recorded up to just past ``step``, and their verdict."""
        limit = step + 2 if self.steps is None else min(self.steps, step + 2)
        window = (max(0, step - 1), step + 1)
        runs = [self.run("op", like=first, zoom=window, steps=limit, number=n) for n in (1, 2)]
        verdict = compare_all(runs)
        for run in runs:
            run.close()
            folder = self.out / run.id
            if sum(f.stat().st_size for f in folder.iterdir()) > KEEP:
                shutil.rmtree(folder, ignore_errors=True)
        return verdict


def _plan(folder: Path, level: str, steps: int | None) -> Plan:
    return Plan(folder=str(folder.absolute()), level=level, steps=steps)


def _schedule(run: Run) -> dict[str, list[tuple[int, int]]]:
    """By what schedule each process of a run read its parameters."""
    return {key: r.notes["schedule"] for key, r in run.records.items() if "schedule" in r.notes}


def _until(run: Run) -> dict[str, int | None]:
    """Up to which step the operations of each process of a run were recorded."""
    return {key: r.notes[OPENING] for key, r in run.records.items() if OPENING in r.notes}


def _by_operation(run: Run) -> bool:
    """Whether every operation of a run was recorded."""
    return all(Coverage.of(record).operations(record.steps) for record in run.records.values())


def _is_told(verdict: Verdict, run: Run) -> bool:
    """Whether the runs themselves hold all that a zoomed pair would show of the place."""
    place = verdict.divergence
    record = None if place is None else run.records.get(place.process)
    if place is None or record is None or not Coverage.of(record).operations(place.step):
        return False
    if place.event.kind != "op":
        return place.event.kind != "batch"  # which a worker may have made
    return place.change != "value" or (place.inputs_equal is not None and place.difference is not None)
