"""trainer_state.json of a real training, and broken ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.metrics.files import fixture, numbers, same

from samebits.errors import RecordError
from samebits.metrics import open_log

STEPS = [1, 2, 3, 4, 5]


@pytest.mark.parametrize("inside", ["", "checkpoint-5", "checkpoint-5/trainer_state.json"])
def test_a_training(inside: str) -> None:
    log = open_log(fixture("transformers") / inside)
    assert (log.kind, log.problems) == ("transformers", ())
    assert log.timing == ("eval_runtime", "eval_samples_per_second", "eval_steps_per_second")
    assert list(log.series) == ["epoch", "grad_norm", "learning_rate", "loss", "eval_loss"]
    # The weight w starts at 0 and steps by 0.1 of the gradient of (wx - 1)**2, which is near these.
    loss = [1.0, 0.2500000596046448, 0.04000001773238182, 0.49000006914138794, 0.04000001773238182]
    assert same(log.series["loss"], STEPS, loss, "float32")
    norm = [6.0, 5.000000476837158, 1.6000003814697266, 1.4000000953674316, 0.8000001907348633]
    assert same(log.series["grad_norm"], STEPS, norm, "float32")
    assert same(log.series["learning_rate"], STEPS, [0.1] * 5, "float64")
    assert same(log.series["epoch"], [*STEPS, 5], [0.2, 0.4, 0.6, 0.8, 1.0, 1.0], "float64")
    assert same(log.series["eval_loss"], [5], [0.7437407374382019], "float32")


def test_the_last_checkpoint_holds_the_others(tmp_path: Path) -> None:
    for step in (9, 10, 500):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        state = {"log_history": [{"step": step, "loss": 0.5}]}
        (folder / "trainer_state.json").write_text(json.dumps(state))
    (tmp_path / "checkpoint-1000").mkdir()  # saved by halves
    assert numbers(open_log(tmp_path)) == {"loss": [(500, 0.5)]}
    (tmp_path / "trainer_state.json").write_text('{"log_history": [{"step": 1, "loss": 2}, 3]}')
    log = open_log(tmp_path)
    assert numbers(log) == {"loss": [(1, 2.0)]}
    assert log.problems == ("trainer_state.json: entries that are no objects are left out: 1",)
    shutil.copy(tmp_path / "trainer_state.json", tmp_path / "copy.json")
    assert open_log(tmp_path / "copy.json").kind == "transformers"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"log_history": [', "is damaged or cut off: it is no JSON"),
        ("{}", "has no log_history, as a trainer_state.json of transformers has"),
        ("[]", "has no log_history"),
        ("", "is damaged or cut off"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "trainer_state.json").write_text(text)
    with pytest.raises(RecordError, match=message):
        open_log(tmp_path)
