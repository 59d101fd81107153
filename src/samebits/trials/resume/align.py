"""Lays the steps of a resumed run beside those of the whole run, and finds the first that differs."""

from __future__ import annotations

from dataclasses import dataclass

from samebits.model.facts import Checkpoint, Fact
from samebits.trials.resume.history import WEIGHTS, History, State

#: How many steps what a program counts may be off from the optimizer's.
_NEAR = 2
#: Averages that a program keeps in tensors of its own.
_AVERAGES = ("ema", "average", "avg", "swa", "shadow", "teacher", "target", "polyak", "momentum_encoder")


def is_average(state: State) -> bool:
    """Whether a state is a model's average by its name."""
    parts = state[1].lower().replace("_", ".").replace("[", ".").split(".")
    return any(any(word == part or (len(word) > 3 and word in part) for word in _AVERAGES) for part in parts)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a resumed run begins: after so many steps, by which checkpoint."""

    step: int
    save: Fact[Checkpoint] | None
    load: Fact[Checkpoint] | None
    by_weights: bool  # the resumed run's weights are those that the whole run had there


def start(whole: History, saver: History, resumed: History) -> Start | None:
    """The step at which a resumed run begins; None: it loaded none of the interrupted run's checkpoints.

    ``saver`` is the process of the interrupted run that saved them: of several ranks, one may do it for all.
    """
    save, load = _loaded(saver, resumed)
    if save is None:
        return None
    first = resumed.taken[0] if resumed.taken else 0
    weights = resumed.weights(first)
    step = save.step
    if _equal(weights, whole.weights(step)):
        return Start(step, save, load, True)
    # Weights that were never loaded are those of the whole run's own start, and say nothing of the place.
    near = [other for other in whole.taken[1:] if 0 < abs(other - step) <= _NEAR]
    for other in sorted(near, key=lambda other: abs(other - step)):
        if _equal(weights, whole.weights(other)) and _moves(whole, other):
            return Start(other, save, load, True)
    return Start(step, save, load, False)


def _moves(whole: History, step: int) -> bool:
    """Whether the weights of a step are those of no other: else they place nothing."""
    return whole.weights(step) != whole.weights(step + 1) and whole.weights(step) != whole.weights(step - 1)


def _equal(weights: dict[State, str], others: dict[State, str]) -> bool:
    shared = weights.keys() & others.keys()
    return bool(shared) and all(weights[state] == others[state] for state in shared)


def _loaded(cut: History, resumed: History) -> tuple[Fact[Checkpoint] | None, Fact[Checkpoint] | None]:
    """The interrupted run's save whose file the resumed run loads first, of the newest step among those."""
    best: tuple[Fact[Checkpoint] | None, Fact[Checkpoint] | None] = (None, None)
    saves = cut.saves()
    for load in resumed.loads():
        if load.step > 0:
            break
        same = [one for one in saves if one.detail.digest and one.detail.digest == load.detail.digest]
        if not same:  # written through what packs it, so that the file was not whole yet
            same = [one for one in saves if one.detail.values and one.detail.values == load.detail.values]
        if not same:
            same = [
                one
                for one in saves
                if one.detail.digest is None
                and (one.detail.path == load.detail.path if one.detail.path else _alike(one, load))
            ]
        for save in same[-1:]:
            if best[0] is None or _weight(save) > _weight(best[0]):
                best = (save, load)
    return best


def _alike(save: Fact[Checkpoint], load: Fact[Checkpoint]) -> bool:
    """Whether what was saved and what was loaded have the same keys."""
    keys = [[key.partition("=")[0] for key in one.detail.keys or ()] for one in (save, load)]
    return bool(keys[0]) and keys[0] == keys[1]


def _weight(save: Fact[Checkpoint]) -> tuple[int, int]:
    return save.step, save.detail.size or 0


@dataclass(frozen=True, slots=True)
class Departure:
    """The first place where a resumed run differs: its own step, and in what.

    what: "weights" (before the step), "input", "loss", "update" (the weights after it), "kept" (a state
        that the training makes and does not read: an average, buffers), "length"
    """

    step: int
    what: str
    rows: tuple[State, ...] = ()


def part(whole: History, resumed: History, begin: int) -> Departure | None:
    """The first place; None: every step has the bits of the whole run."""
    shared = min(whole.steps - begin, resumed.steps)
    for step in range(shared):
        mine, theirs = resumed.at(step), whole.at(begin + step)
        taken = step in resumed.taken and begin + step in whole.taken
        rows = _differing(mine, theirs, ("parameters",)) if taken else ()
        if rows and not step:
            return Departure(0, "weights", rows)
        if rows:
            return _given(whole, resumed, begin, step - 1, Departure(step - 1, "update", rows))
        if not _same_losses(resumed.losses.get(step, ()), whole.losses.get(begin + step, ()), begun=not step):
            return _given(whole, resumed, begin, step, Departure(step, "loss"))
        kept = _kept(whole, mine, theirs) if taken else ()
        if kept:
            return Departure(step, "kept", kept)
    if whole.steps - begin != resumed.steps:
        return Departure(shared, "length")
    other = [
        name for name in whole.final.keys() & resumed.final.keys() if whole.final[name] != resumed.final[name]
    ]
    if other:
        return Departure(max(0, shared - 1), "update", tuple(("parameters", name) for name in sorted(other)))
    return None


def _same_losses(mine: tuple[str, ...], theirs: tuple[str, ...], *, begun: bool) -> bool:
    """Whether a step has the same losses; of one that had ``begun`` as the checkpoint was saved, those left.

    Whether its gradients were saved shows in the weights after it.
    """
    return mine == theirs or (begun and 0 < len(mine) < len(theirs) and theirs[-len(mine) :] == mine)


def _given(whole: History, resumed: History, begin: int, step: int, parting: Departure) -> Departure:
    """The place where the loss or the weights part, or that of what the model was given there.

    What it was given alone decides nothing: a program may show its model a sample in between.
    """
    if parting.what == "update" and resumed.losses:
        return parting
    at = step if _fresh(whole, resumed, begin) else step + 1
    mine, theirs = resumed.at(at), whole.at(begin + at)
    rows = _differing(mine, theirs, ("input",)) if at < resumed.steps else ()
    rows = rows or _differing(resumed.at(step), whole.at(begin + step), ("order",))
    return Departure(step, "input", rows) if rows else parting


def _fresh(whole: History, resumed: History, begin: int) -> bool:
    """Whether the model is called before the optimizer's step begins: else no input is there yet."""
    return any(kind == "input" for kind, _ in resumed.at(0)) and any(
        kind == "input" for kind, _ in whole.at(begin)
    )


def _differing(mine: dict[State, str], theirs: dict[State, str], kinds: tuple[str, ...]) -> tuple[State, ...]:
    return tuple(
        state
        for state in mine  # in its order, which is that of the program's variables
        if state in theirs and state[0] in kinds and mine[state] != theirs[state]
    )


def _kept(whole: History, mine: dict[State, str], theirs: dict[State, str]) -> tuple[State, ...]:
    """What a training makes besides the weights, where it differs."""
    last = whole.taken[-1] if whole.taken else 0
    rows = _differing(mine, theirs, WEIGHTS)
    averages = [state for state in _differing(mine, theirs, ("tensor",)) if is_average(state)]
    rows += tuple(state for state in averages if not whole.places.is_temporary(state[1]))
    moving = (state for state in rows if whole.changed(state, 0, last))
    dead = whole.places.is_only_updated
    return tuple(state for state in moving if state[0] == "parameters" or not dead(state[1]))
