"""Which states are named for which difference, and which that differ are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from samebits.model.facts import GRADIENTS, Checkpoint
from samebits.trials.resume.align import part, start
from samebits.trials.resume.history import State
from samebits.trials.resume.missing import Search

from .histories import history, loaded, saved

SOURCE = """
def main():
    for epoch in range(begin, 9):
        for number, x in enumerate(batches):
            loss = step(x, seen, number)
            seen += 1
"""
WEIGHTS: State = ("parameters", "net")


def generator(name: str) -> State:
    return ("generator", name)


def before(name: str) -> State:
    return ("before-input", name)


def base(step: int) -> dict[State, str]:
    """A step in which torch draws in the model and python before it; numpy is drawn from by nobody."""
    return {
        WEIGHTS: f"w{step}",
        ("input", "the model's input"): f"i{step}",
        generator("torch"): f"t{step + 1}",
        before("torch"): f"t{step}",
        generator("python"): f"p{step + 1}",
        before("python"): f"p{step + 1}",
        generator("numpy"): "n",
        before("numpy"): "n",
        ("optimizer", "opt"): f"o{step}",
        ("rate", "opt"): "r",
        ("counter", "main.seen"): f"={step}",
        ("counter", "main.number"): f"={step % 3}",
        ("tensor", "main.x"): f"x{step}",
    }


WHOLE = [base(step) for step in range(8)]


def named(
    other: Mapping[State, str], losses: Sequence[str] | None = None, save: Checkpoint | None = None
) -> list[tuple[str, str]]:
    """What is found where the resumed run has these values in each of its steps."""
    save = save or saved("d")
    right = [f"{step:02x}" for step in range(8)]
    whole = history(WHOLE, right, source=SOURCE)
    cut = history(WHOLE[:5], right[:5], checkpoints=[(4, save)])
    resumed = history(
        [state | {("generator", "numpy"): "another", **other} for state in WHOLE[4:]],
        losses or right[4:],
        checkpoints=[(0, loaded("d"))],
    )
    begin = start(whole, cut, resumed)
    assert begin is not None
    parting = part(whole, resumed, begin.step)
    assert parting is not None
    search = Search(whole, cut, cut, resumed, begin, parting)
    return [(found.kind, found.state[1]) for found in search.found()]


LOSSES = ["ff", "fe", "fd", "fc"]


@pytest.mark.parametrize(
    ("other", "losses", "expected"),
    [
        ({generator("torch"): "lost", before("torch"): "lost0"}, LOSSES, [("torch-generator", "torch")]),
        (
            {generator("python"): "lost", ("input", "the model's input"): "other"},
            LOSSES,
            [("python-generator", "python")],
        ),
        ({("counter", "main.seen"): "=0"}, LOSSES, [("counter", "main.seen")]),
        (
            {("counter", "main.number"): "=0", ("input", "the model's input"): "other"},
            LOSSES,
            [("loader-position", "main.number")],
        ),
        ({("tensor", "main.x"): "other"}, LOSSES, []),  # its loop sets it anew
    ],
)
def test_what_is_named(
    other: Mapping[State, str], losses: Sequence[str], expected: list[tuple[str, str]]
) -> None:
    assert named(other, losses) == expected


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("out, state = rnn(x, state)", [("value", "main.state")]),
        ("state = rnn(x)", []),  # made anew
        ("state = x; state = layer(state)", []),  # so, too
    ],
)
def test_what_each_step_makes_of_what_the_one_before_left(step: str, expected: list[tuple[str, str]]) -> None:
    source = f"def main():\n    state = None\n    for x in batches:\n        {step}\n"
    carried: State = ("carried", "main.state")
    states = [base(number) | {carried: f"h{number}"} for number in range(8)]
    right = [f"{number:02x}" for number in range(8)]
    whole = history(states, right, source=source)
    cut = history(states[:5], right[:5], checkpoints=[(4, saved("d"))])
    begun = {key: value for key, value in states[4].items() if key != carried}
    resumed = history([begun, *states[5:]], LOSSES, checkpoints=[(0, loaded("d"))])
    begin = start(whole, cut, resumed)
    assert begin is not None
    parting = part(whole, resumed, begin.step)
    assert parting is not None
    found = Search(whole, cut, cut, resumed, begin, parting).found()
    assert [(one.kind, one.state[1]) for one in found] == expected


def test_a_generator_that_reaches_the_update_alone_is_the_optimizers_matter() -> None:
    lost = {("optimizer", "opt"): "fresh", generator("python"): "lost"}
    right = [f"{step:02x}" for step in range(4, 8)]
    changed = {WEIGHTS: "other"}
    whole = history(WHOLE, source=SOURCE)
    cut = history(WHOLE[:5], checkpoints=[(4, saved("d", "model"))])
    states = [WHOLE[4] | lost, *(state | lost | changed for state in WHOLE[5:])]
    resumed = history(states, right, checkpoints=[(0, loaded("d"))])
    begin = start(whole, cut, resumed)
    assert begin is not None
    parting = part(whole, resumed, begin.step)
    assert parting is not None
    assert parting.what == "update"
    (found,) = Search(whole, cut, cut, resumed, begin, parting).found()
    assert (found.kind, found.state[1]) == ("optimizer", "opt")


def test_what_is_in_the_checkpoint_was_not_loaded() -> None:
    right = [f"{step:02x}" for step in range(8)]
    whole = history(WHOLE, right, source=SOURCE)
    lost = {generator("torch"): "lost", before("torch"): "lost0"}
    for holds, restored, expected in (
        ((), False, ("not saved", None)),
        (("generator torch=rng",), False, ("not loaded", "rng")),
        (("generator torch=rng",), True, ("changed", "rng")),
    ):
        cut = history(WHOLE[:5], right[:5], checkpoints=[(4, saved("d", "rng", holds=holds))])
        back = [(0, Checkpoint(action="restore", path="torch"))] if restored else []
        resumed = history(
            [state | lost for state in WHOLE[4:]], LOSSES, checkpoints=[(0, loaded("d")), *back]
        )
        begin = start(whole, cut, resumed)
        assert begin is not None
        parting = part(whole, resumed, begin.step)
        assert parting is not None
        search = Search(whole, cut, cut, resumed, begin, parting)
        (found,) = search.found()
        assert search.saved.how(found.kind, found.state) == expected


def test_a_model_that_was_never_loaded_is_not_taken_for_the_whole_runs_start() -> None:
    whole = history(WHOLE, source=SOURCE)
    cut = history(WHOLE[:5], checkpoints=[(4, saved("d", "model", holds=["parameters net=model"]))])
    resumed = history(
        [{**WHOLE[4], WEIGHTS: WHOLE[0][WEIGHTS]}, *WHOLE[5:]], LOSSES, checkpoints=[(0, loaded("d"))]
    )
    begin = start(whole, cut, resumed)
    assert begin is not None
    assert begin.step == 4
    parting = part(whole, resumed, begin.step)
    assert parting is not None
    search = Search(whole, cut, cut, resumed, begin, parting)
    (found,) = search.found()
    assert (found.kind, search.saved.how(found.kind, found.state)) == ("model-part", ("not loaded", "model"))


def test_a_scaler_that_skips_steps_is_what_is_lost() -> None:
    scaler: State = ("scaler", "main.scaler")
    whole = history([state | {scaler: "low"} for state in WHOLE], source=SOURCE)
    cut = history([state | {scaler: "low"} for state in WHOLE[:5]], checkpoints=[(4, saved("d", "model"))])
    resumed = history(
        [state | {scaler: "high", ("counter", "main.seen"): "=9"} for state in WHOLE[4:]],
        LOSSES,
        checkpoints=[(0, loaded("d"))],
    )
    resumed.losses[0] = ("fa", "fb")  # two backwards before the first step
    begin = start(whole, cut, resumed)
    assert begin is not None
    parting = part(whole, resumed, begin.step)
    assert parting is not None
    assert [found.kind for found in Search(whole, cut, cut, resumed, begin, parting).found()] == ["scaler"]


def test_gradients_that_were_put_back_are_not_what_is_lost() -> None:
    whole = history([state | {GRADIENTS: "=False"} for state in WHOLE], source=SOURCE)
    whole.losses[4] = ("04", "05")  # one batch of the two was before the checkpoint
    cut = history(WHOLE[:5], checkpoints=[(4, saved("d", "model"))])
    for there, expected in (("=True", "counter"), ("=False", "gradients")):
        lost = {GRADIENTS: there, ("counter", "main.seen"): "=0"}
        resumed = history([state | lost for state in WHOLE[4:]], LOSSES, checkpoints=[(0, loaded("d"))])
        begin = start(whole, cut, resumed)
        assert begin is not None
        parting = part(whole, resumed, begin.step)
        assert parting is not None
        assert [found.kind for found in Search(whole, cut, cut, resumed, begin, parting).found()] == [
            expected
        ]


@pytest.mark.parametrize(
    ("mine", "more", "kind", "path"),
    [
        ({"epoch": "=0", "sampler.epoch": "=0"}, 4, "loader-position", "loader"),  # the pass is made again
        ({"epoch": "=0", "sampler.epoch": "=0"}, 0, "sampler-epoch", "sampler.epoch"),  # counted anew
        ({"epoch": "=1", "sampler.epoch": "=0"}, 4, "sampler-epoch", "sampler.epoch"),
    ],
)
def test_a_pass_that_had_ended_is_made_again(
    mine: Mapping[str, str], more: int, kind: str, path: str
) -> None:
    def epoch(step: int) -> dict[State, str]:
        number = f"={step // 4}"
        return WHOLE[step] | {
            ("counter", "epoch"): number,
            ("sampler", "sampler.epoch"): number,
            ("position", "loader"): f"={step % 4 + 1}",
            ("order", "loader"): f"o{step}",
        }

    whole = history([epoch(step) for step in range(8)], source=SOURCE)
    cut = history([epoch(step) for step in range(5)], checkpoints=[(4, saved("d", "epoch=0"))])
    lost: dict[State, str] = {
        ("counter", "epoch"): mine["epoch"],
        ("sampler", "sampler.epoch"): mine["sampler.epoch"],
        ("order", "loader"): "another",
        ("input", "the model's input"): "another",
    }
    resumed = history(
        [epoch(step) | lost for step in (*range(4, 8), *range(4, 4 + more))],
        LOSSES,
        checkpoints=[(0, loaded("d"))],
    )
    begin = start(whole, cut, resumed)
    assert begin is not None
    parting = part(whole, resumed, begin.step)
    assert parting is not None
    (found,) = Search(whole, cut, cut, resumed, begin, parting).found()
    assert (found.kind, found.state[1]) == (kind, path)


def test_a_scaler_that_skips_every_step_is_what_is_lost() -> None:
    scaler: State = ("scaler", "main.scaler")
    whole = history([state | {scaler: "low"} for state in WHOLE], source=SOURCE)
    cut = history([state | {scaler: "low"} for state in WHOLE[:5]], checkpoints=[(4, saved("d", "model"))])
    resumed = history([], [], checkpoints=[(0, loaded("d"))])
    resumed.losses[0] = ("fa", "fb", "fc")  # backwards, and no step
    begin = start(whole, cut, resumed)
    assert begin is not None
    parting = part(whole, resumed, begin.step)
    assert parting is not None
    (found,) = Search(whole, cut, cut, resumed, begin, parting).found()
    assert (found.kind, found.state) == ("scaler", scaler)
