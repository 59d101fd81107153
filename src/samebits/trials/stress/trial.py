"""One trial: the program run once with one thing changed, and what came of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from samebits.compare import compare
from samebits.compare.diverge import IdlePlace, idle_places
from samebits.control import told
from samebits.control.change import Change
from samebits.control.changes import CHANGES
from samebits.control.changes.micro_batches import NOT
from samebits.control.settings import Control
from samebits.errors import LaunchError, RecordError
from samebits.launch.ended import has_steps
from samebits.launch.output import kept, last_error
from samebits.launch.program import Program
from samebits.launch.verify import again
from samebits.record.kept import note
from samebits.record.run import Run
from samebits.trials.stress.design import Design
from samebits.trials.stress.place import placed
from samebits.trials.stress.row import TrialRow, judged, without
from samebits.trials.stress.weights import reach

#: Called with the number of finished steps, a few times a second.
Progress = Callable[[int], None]
#: Seconds between two looks at whether the pair is there.
_TURN: Final = 0.1
#: A changed run that takes so many times as long as an unchanged one, and so many seconds, hangs.
_PATIENCE: Final = (10.0, 120.0)
#: The change whose run is looked at twice: by the names of numbers, and where that did nothing, without.
_TWICE: Final = "evaluation"
_FOLDER: Final = "working-folder"
_THREADS: Final = "threads"


def run(design: Design, name: str, slot: int | None = None, progress: Progress | None = None) -> TrialRow:
    """Run the program with one change, and say what came of it.

    Args:
        design: the set of trials, with a baseline.
        name: the change's.
        slot: which of the places for trials is free; None: one of its own, as others may run elsewhere.

    Raises:
        Interrupted: a signal asked for an end.
    """
    change = CHANGES[name]
    if slot is None:
        slot = design.names.index(name) + 1
    try:
        with Run.open(design.run(0)) as baseline:
            row, idle = _once(design, change, baseline, slot, progress, by_name=True)
            if name == _TWICE and idle:
                second, _ = _once(design, change, baseline, slot, progress, by_name=False)
                if second.word == "did not apply":
                    did = (*row.did, *second.did)
                    sentence = f"{row.did[0]}: no more was evaluated" if row.did else second.sentence
                    return without(change, "did not apply", sentence, did)
                return second
            return row
    except (LaunchError, RecordError, OSError) as error:
        return without(change, "failed", str(error))


def _once(
    design: Design, change: Change, baseline: Run, slot: int, progress: Progress | None, *, by_name: bool
) -> tuple[TrialRow, bool]:
    """The row, and whether the change is known to have had nothing to do."""
    file = design.told(change.name)
    file.unlink(missing_ok=True)
    program, control, said = _changed(design, change, by_name)
    steps = design.count if design.steps is None else min(design.count, design.steps)
    os.environ[told.VARIABLE] = told.TrialPlan(str(file), steps or None, by_name).to_json()
    limit = design.timeout or _PATIENCE[0] * design.seconds + _PATIENCE[1]
    tell = None if progress is None else (lambda number, total, done: progress(done))
    with placed(program, _place(design, change, slot)) as there:
        if change.name == _FOLDER and there.folder != program.folder:
            said.append(f"in {there.folder}")
        found = again(
            there,
            baseline,
            steps=design.steps,
            control=control,
            out=design.out,
            timeout=limit,
            progress=tell,
        )
    with found:
        did = tuple(dict.fromkeys((*said, *map(str, told.read(file)))))
        row = _row(change, baseline, found, did, limit, _idle(design, baseline))
        note(found.path, verdict=row.word, changed=change.name)
        if change.tells and not did and row.word != "failed":
            return without(change, "did not apply", _nothing(change)), True
        if change.name == _THREADS and row.word != "failed" and _threads(found) == _threads(baseline) != []:
            return without(
                change, "did not apply", "torch computes with as many threads all the same", did
            ), True
        if row.word == "ok" and change.name == _TWICE and by_name and _alike(baseline, found):
            return row, True
        return row, False


def _changed(design: Design, change: Change, by_name: bool) -> tuple[Program, Control, list[str]]:
    program, control = design.program, design.control
    said: list[str] = []
    words = tuple(change.words(program.target)) if by_name else program.target
    if words != program.target:
        pairs = zip(program.target, words, strict=True)
        said += [f"{old} -> {new}, on the command line" for old, new in pairs if old != new]
    if change.name == "seed" and control.seed is not None:
        control = replace(control, seed=control.seed + 1)
        said.append(f"--seed {design.control.seed} -> {control.seed}")
    if not change.tells:
        said += [f"{key}={value}" for key, value in change.variables(os.environ).items()]
    control = replace(control, changes=(*control.changes, change.name))
    return replace(program, target=words), control, said


def _place(design: Design, change: Change, slot: int) -> Path:
    """One path for all runs of a place, and another one, of another length, for the change of the path."""
    return design.folder / ("another/longer/place" if change.name == _FOLDER else f"work-{slot}")


def _threads(run: Run) -> list[object]:
    """With how many threads torch computed, in each process that took a step."""
    told = [record.manifest.get("torch") for _, record in sorted(run.records.items()) if record.steps]
    return [each.get("threads") for each in told if isinstance(each, Mapping)]


def _idle(design: Design, baseline: Run) -> frozenset[IdlePlace]:
    """Where the pair without a change gave other values, which reach nothing: overwritten weights.

    The second run of the pair may still be running: it is waited for.  Without a pair no row is asked for.
    """
    while len(design.baseline) == 1:
        time.sleep(_TURN)
        design = Design.read(design.folder)
    if not design.has_pair:
        return frozenset()
    try:
        with Run.open(design.run(1)) as second:
            return idle_places(baseline, second)
    except RecordError:  # it was removed
        return frozenset()


def _row(
    change: Change,
    baseline: Run,
    found: Run,
    did: Sequence[str],
    limit: float,
    idle: Collection[IdlePlace],
) -> TrialRow:
    status = found.info.get("status")
    if status == "failed":
        lines = [line for line in last_error(found.path).splitlines() if line.strip()]
        why = lines[-1].strip() if lines else f"exit code {found.info.get('exit_code')}"
        return replace(without(change, "failed", f"the program fails: {why}", did), run=found.id)
    if status == "timeout":
        return replace(without(change, "failed", f"it took longer than {limit:.0f} s", did), run=found.id)
    cannot = next((each for each in did if each.startswith(NOT)), None)
    if cannot is not None:
        return replace(without(change, "did not apply", cannot.removeprefix(NOT)), run=found.id)
    if not has_steps(found):
        return replace(without(change, "failed", "it took no step", did), run=found.id)
    verdict = compare(baseline, found, idle)
    return judged(change, reach(baseline, found), verdict, did, (baseline, found))


def _nothing(change: Change) -> str:
    """Why a change that looks for something did nothing."""
    return {
        "evaluation": "no evaluation was found: no number called eval_interval or the like, and no eval() of "
        "a model that is trained",
        "logging": "no interval of logging was found: no number called log_interval or the like",
        "seed": "no generator is seeded by a number that could be seen",
        _FOLDER: "no copy of the working folder is made",
        "num-workers": "no DataLoader is made",
        "prefetch": "no DataLoader has workers",
        "persistent-workers": "no DataLoader has workers",
        "micro-batches": "no forward of a module that is trained has a batch of two or more",
    }.get(change.name, "there was nothing to change")


def _alike(a: Run, b: Run) -> bool:
    """Whether two runs did and printed the same, as far as is known."""
    if kept(a.path, "stdout") != kept(b.path, "stdout"):
        return False
    totals = [{key: r.events_total for key, r in run.records.items()} for run in (a, b)]
    return totals[0] == totals[1]
