"""Where a resumed run begins, and where it differs first."""

from __future__ import annotations

from samebits.trials.resume.align import is_average, part, start
from samebits.trials.resume.judge import local

from .histories import history, loaded, saved

WEIGHTS = ("parameters", "net.body")
INPUT = ("input", "the model's input")
EMA = ("tensor", "ema.shadow")
STATES = [{WEIGHTS: f"w{step}", INPUT: f"i{step}", EMA: f"e{step}"} for step in range(6)]
CUT = history(STATES[:5], checkpoints=[(2, saved("old")), (4, saved("new"))])
WHOLE = history(STATES)


def test_it_begins_where_the_checkpoint_that_it_loads_was_saved() -> None:
    old = start(WHOLE, CUT, history(STATES[2:], checkpoints=[(0, loaded("old"))]))
    assert old is not None
    assert (old.step, old.by_weights) == (2, True)
    both = history(STATES[4:], checkpoints=[(0, loaded("old")), (0, loaded("new"))])
    newest = start(WHOLE, CUT, both)
    assert newest is not None
    assert newest.step == 4


def test_it_loads_none() -> None:
    assert start(WHOLE, CUT, history(STATES, checkpoints=[(0, loaded("another"))])) is None


def test_weights_place_what_was_saved_by_another_count() -> None:
    found = start(WHOLE, CUT, history(STATES[3:], checkpoints=[(0, loaded("old"))]))
    assert found is not None
    assert found.step == 3


def test_every_step_alike() -> None:
    losses = [f"{step:02x}" for step in range(6)]
    assert part(WHOLE, history(STATES[2:], losses[2:]), 2) is None


def test_what_differs_first() -> None:
    losses = [f"{step:02x}" for step in range(6)]
    changed = [dict(state) for state in STATES[2:]]
    changed[1][INPUT] = "other"
    assert part(WHOLE, history(changed, losses[2:]), 2) is None  # it decided nothing
    found = part(WHOLE, history(changed, [losses[2], "ff", *losses[4:]]), 2)
    assert found is not None
    assert (found.step, found.what) == (1, "input")
    found = part(WHOLE, history(STATES[2:], [losses[2], "ff", *losses[4:]]), 2)
    assert found is not None
    assert (found.step, found.what) == (1, "loss")
    changed = [dict(state) for state in STATES[2:]]
    changed[2][WEIGHTS] = "other"
    found = part(WHOLE, history(changed, losses[2:]), 2)
    assert found is not None
    assert (found.step, found.what) == (1, "update")
    changed = [state | {WEIGHTS: "other"} for state in STATES[2:]]
    found = part(WHOLE, history(changed, losses[2:]), 2)
    assert found is not None
    assert (found.step, found.what, found.rows) == (0, "weights", (WEIGHTS,))


def test_an_average_is_what_a_training_makes() -> None:
    losses = [f"{step:02x}" for step in range(6)]
    changed = [state | {EMA: "other"} for state in STATES[2:]]
    found = part(WHOLE, history(changed, losses[2:]), 2)
    assert found is not None
    assert (found.what, found.rows) == ("kept", (EMA,))


def test_more_steps_than_the_whole_run_has_left() -> None:
    losses = [f"{step:02x}" for step in range(6)]
    more = history([*STATES[2:], {WEIGHTS: "w6", INPUT: "i6", EMA: "e6"}], [*losses[2:], "06"])
    found = part(WHOLE, more, 2)
    assert found is not None
    assert (found.step, found.what) == (4, "length")


def test_names_of_averages() -> None:
    assert is_average(("tensor", "trainer.ema_model['w']"))
    assert is_average(("tensor", "Shadow.shadow"))
    assert not is_average(("tensor", "schema.rows"))


def test_the_checkpoint_that_a_loop_gathers_is_no_average() -> None:
    copied = ("tensor", "main.state['target']")
    source = (
        "def main():\n    while True:\n        state = {'target': target.state_dict()}\n        save(state)\n"
    )
    states = [state | {copied: f"c{step}"} for step, state in enumerate(STATES)]
    losses = [f"{step:02x}" for step in range(6)]
    changed = [state | {copied: "other"} for state in states[2:]]
    assert part(history(states, source=source), history(changed, losses[2:]), 2) is None


def test_a_step_that_had_begun_has_the_losses_that_were_left() -> None:
    whole, states = history(STATES), STATES[2:]
    whole.losses[2] = ("aa", "bb")
    resumed = history(states)
    resumed.losses.update({step: whole.losses[step + 2] for step in range(4)})
    resumed.losses[0] = ("bb",)  # of the second half of its batch
    assert part(whole, resumed, 2) is None
    lost = history([states[0], *(state | {WEIGHTS: "other"} for state in states[1:])])
    lost.losses.update(resumed.losses)
    found = part(whole, lost, 2)
    assert found is not None
    assert (found.step, found.what) == (0, "update")
    resumed.losses[0] = ("cc",)
    assert part(whole, resumed, 2) is not None


def test_a_variable_is_called_as_its_function_calls_it() -> None:
    run = history(STATES, source="async def serve():\n    pass\n\ndef main():\n    net = Net()\n")
    paths = ("main.net.head", "serve.net", "net.main", "main", "tools['a.b']")
    assert [local(path, run) for path in paths] == ["net.head", "net", "net.main", "main", "tools['a.b']"]
