"""The verdict of one trial, from the histories of its three runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from samebits.trials.resume import align, remedies
from samebits.trials.resume.history import History
from samebits.trials.resume.missing import Candidate, Search
from samebits.trials.resume.outcome import Missing, Trial

#: By what a checkpoint has to be written, so that it is seen.
SEEN: Final = "what torch, pickle, safetensors, joblib, numpy or json writes to a file"
LOADED_NONE: Final = "the restarted run loaded none of the interrupted run's checkpoints"
_PARTS: Final = {
    "weights": "the weights before it",
    "input": "what the model is given",
    "loss": "the loss",
    "update": "the weights after it",
    "kept": "what is kept beside the weights",
    "length": "how many steps there are",
}


def first_save(whole: History) -> int | None:
    """After how many steps a run saved its first checkpoint; None: it never did in the middle."""
    return next((fact.step for fact in whole.saves() if 0 < fact.step < whole.steps), None)


def cut_short(whole: History, cut: History | None, trial: Trial) -> Trial | None:
    """A trial that ends with its interrupted run; None: it goes on."""
    if cut is None or not cut.steps:
        return replace(trial, word="failed", reason="the interrupted run took no optimizer step")
    if (step := _unlike(whole, cut)) is not None:
        reason = (
            f"the program does not repeat: the interrupted run's step {step} differs from the whole run's, "
            "before anything was interrupted; `samebits verify` says why, `samebits run` makes it repeat"
        )
        return replace(trial, word="failed", reason=reason, parts_at=step)
    if trial.kill != "save" and "cut_short" not in cut.notes:
        reason = f"the program ended after {cut.steps} steps, before it was to be interrupted"
        return replace(trial, word="incomplete", reason=reason)
    if trial.kill == "save" and cut.steps >= whole.steps and cut.status == "finished":
        reason = f"no checkpoint was saved after step {trial.killed_after}, so that none was cut off"
        return replace(trial, word="incomplete", reason=reason)
    if not cut.saves():
        first = first_save(whole)
        none = f"the whole run saved none that is seen: {SEEN}"
        when = none if first is None else f"the first is saved after {first} steps"
        reason = f"it was interrupted after {trial.killed_after} steps, before a checkpoint was saved; {when}"
        return replace(trial, word="incomplete", reason=reason)
    return None


def _unlike(whole: History, cut: History) -> int | None:
    """The first step before the kill at which the interrupted run is not the whole one."""
    for step in range(min(cut.steps, whole.steps)):
        if whole.losses.get(step) != cut.losses.get(step) or whole.weights(step) != cut.weights(step):
            return step
    return None


def half_written(cut: History, resumed: History | None, kill: str) -> bool:
    """Whether the restarted run failed at a checkpoint that the kill had cut off."""
    begun = [fact.detail.path for fact in cut.checkpoints if fact.detail.action == "begin"]
    done = [fact.detail.path for fact in cut.checkpoints if fact.detail.action == "save"]
    cut_off = len(begun) > len(done) or kill == "save"
    if resumed is None:
        return cut_off
    tried = [fact for fact in resumed.checkpoints if fact.detail.action == "begin load"]
    return cut_off and len(tried) > len(resumed.loads())


def judged(whole: History, cut: History, main: History, resumed: History, trial: Trial) -> Trial:
    """One process of a trial whose restarted run ended well; of several ranks, ``main`` may save for all."""
    saver, begin = cut, align.start(whole, cut, resumed)
    if begin is None:
        saver, begin = main, align.start(whole, main, resumed)
    if begin is None:
        return replace(trial, word="incomplete", reason=LOADED_NONE, steps=resumed.steps)
    path = begin.load.detail.path if begin.load is not None else None
    trial = replace(trial, resumed_at=begin.step, steps=resumed.steps, checkpoint=path)
    parting = align.part(whole, resumed, begin.step)
    if parting is None:
        return trial
    missing = _missing(Search(whole, cut, saver, resumed, begin, parting))
    return replace(
        trial,
        word="loses",
        parts_at=begin.step + parting.step,
        parts_in=_PARTS[parting.what],
        missing=missing,
    )


def first(trials: Sequence[Trial]) -> Trial:
    """Of the processes of a trial with one word, that which parts first: the others follow it."""
    parts = list(_PARTS.values())

    def order(trial: Trial) -> tuple[int, int, bool]:
        at = -1 if trial.parts_at is None else trial.parts_at
        return at, -1 if trial.parts_in is None else parts.index(trial.parts_in), not trial.missing

    return min(trials, key=order)


def _missing(search: Search) -> tuple[Missing, ...]:
    used = remedies.framework(search.whole)
    found: dict[tuple[str, str, str], Missing] = {}
    for candidate in search.found():
        one = _told(candidate, search, used)
        other = found.setdefault((one.kind, one.how, one.fix), one)
        if other is not one:  # what is added for the one mends the other
            found[one.kind, one.how, one.fix] = replace(other, evidence=f"{other.evidence}; also {one.name}")
    return tuple(found.values())


def _case(candidate: Candidate, search: Search) -> remedies.Case:
    kind, path = candidate.state
    leaf = re.split(r"[.\[]", path)[-1]
    if kind in ("counter", "tensor", "values"):
        if "." in path and search.places.is_inside(leaf):
            return "inside"
        return "count" if kind == "counter" and search.places.is_count(path) else "variable"
    if kind == "buffers" and search.saved.holds_model(path):
        return "beside"
    return "rank" if search.saved.of_another else ""


def _told(candidate: Candidate, search: Search, used: str | None) -> Missing:
    begin = search.begin
    how, key = search.saved.how(candidate.kind, candidate.state)
    path = candidate.state[1]
    saved_at = None if begin.save is None else begin.save.site
    loaded_at = None if begin.load is None else begin.load.site
    case = _case(candidate, search)
    fix = remedies.fix(candidate.kind, local(path, search.whole), how, key, used, case=case)
    if "checkpoint[" in fix and loaded_at is not None and used is None:
        fix = f"# checkpoint: what is loaded at {loaded_at.file}:{loaded_at.line}\n{fix}"
    return Missing(
        candidate.kind,
        path,
        how,  # type: ignore[arg-type]
        f"{candidate.why}, in {search.whole.process}" if search.saved.of_another else candidate.why,
        fix,
        saved_at=saved_at,
        loaded_at=loaded_at,
        key=key,
    )


def local(path: str, run: History) -> str:
    """A variable as its function calls it: ``main.scheduler`` is ``scheduler`` in ``main``."""
    text = "\n".join(run.sources.values())
    first, dot, rest = path.partition(".")
    while dot and first.isidentifier() and re.search(rf"(?m)^\s*(?:async\s+)?def {first}\b", text):
        path = rest
        first, dot, rest = path.partition(".")
    return path
