"""The runner of the trainers, on trainers made up here: what it must not let through."""

from __future__ import annotations

import json
import math

import pytest
import torch

from . import run
from .trainers import STEPS, TRAINERS, Edit, EditError, Trainer

SAVES = """
import torch
weights = {"w": torch.zeros(3), "bn.num_batches_tracked": torch.tensor(STEPS)}
torch.save(weights, "weights.pth")
print("Could not read the picture")
"""


def made_up(complaint=None):
    words = ("train.py",)
    return Trainer(
        "one", "https://one", ("train.py",), words, "weights.pth", (), lambda *_: None, complaint=complaint
    )


def weights(*values, steps=STEPS):
    return {"w": torch.tensor(values), "bn.num_batches_tracked": torch.tensor(steps)}


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "any name"
    folder.mkdir()
    (folder / "train.py").write_text(SAVES.replace("STEPS", str(STEPS)))
    return folder


@pytest.fixture
def outcome(monkeypatch, checkout, tmp_path):
    """The exit code and the JSON when the five runs save these weights."""
    monkeypatch.setattr(run, "TRAINERS", (made_up(),))
    monkeypatch.setattr(run, "pictures", lambda folder: ([], []))

    def of(*saved):
        answers = iter(saved)
        monkeypatch.setattr(run, "train", lambda *_: next(answers))
        code = run.main([str(checkout.parent), "--json", str(tmp_path / "outcome.json")])
        return code, json.loads((tmp_path / "outcome.json").read_text())["trainers"][0]

    return of


def test_weights_agree_with_one_seed_and_differ_with_another(outcome, capsys):
    code, row = outcome(weights(1.0), weights(1.0), weights(2.0), weights(3.0), weights(4.0))
    assert code == 0
    assert (row["tensors"], row["differ"]) == (2, [])
    assert (row["differ_with_another_seed"], row["differ_without_samebits"]) == (1, 1)
    assert "same, 2 tensors" in capsys.readouterr().out


def test_one_bit_is_a_difference(outcome, capsys):
    last = math.nextafter(1.0, 2.0)
    one, other = (torch.tensor([value], dtype=torch.float64) for value in (1.0, last))
    code, row = outcome({"w": one}, {"w": other}, {"w": -one}, {"w": one}, {"w": one})
    assert code == 1
    assert row["differ"] == ["w"]
    assert "1 of 1 tensors differ" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (torch.tensor([0.0]), torch.tensor([-0.0])),
        (torch.tensor([0.0]), torch.tensor([0])),
        (torch.zeros(2, 1), torch.zeros(2)),
    ],
)
def test_equal_numbers_are_not_enough(one, other):
    assert run.differing({"w": one}, {"w": other}) == ("w",)


def test_a_tensor_in_one_alone_differs():
    assert run.differing({}, {"w": torch.zeros(1)}) == run.differing({"w": torch.zeros(1)}, {}) == ("w",)


def test_weights_that_no_seed_changes_show_nothing(outcome, capsys):
    code, _ = outcome(*[weights(1.0)] * 5)
    assert code == 1
    assert "another seed gave the same weights" in capsys.readouterr().out


def test_without_a_checkout_it_says_what_it_wants(tmp_path, capsys):
    assert run.main([str(tmp_path)]) == 2
    assert "https://github.com/bubbliiiing/yolov4-pytorch" in capsys.readouterr().err


@pytest.mark.parametrize("trainer", TRAINERS, ids=lambda trainer: trainer.name)
def test_a_setting_that_is_not_there_is_an_error(trainer, tmp_path, capsys):
    for file in trainer.files:
        (tmp_path / "it" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "it" / file).touch()
    assert run.main([str(tmp_path)]) == 2
    assert f"{trainer.edits[0].replaced.strip()!r} is there 0 times" in capsys.readouterr().err


def test_a_setting_that_is_there_twice_is_an_error(tmp_path):
    file = tmp_path / "train.py"
    file.write_text("seed = 1\nseed = 1\n")
    with pytest.raises(EditError, match="is there 2 times"):
        Edit("train.py", "seed = 1\n", "seed = 2\n").apply(tmp_path)
    assert file.read_text() == "seed = 1\nseed = 1\n"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (weights(math.nan), "what it learned is not finite: w"),
        (weights(1.0, steps=STEPS - 1), f"it took {STEPS - 1} steps; {STEPS} expected"),
        ({"w": torch.zeros(1)}, "it took 0 steps"),
    ],
)
def test_weights_that_would_show_nothing_are_refused(bad, said):
    with pytest.raises(run.Failed, match=said):
        run.check(bad)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "complaint", "said"),
    [
        ("print('about to'); raise SystemExit(3)", None, r"exit code 3; its last lines:\n    about to"),
        ("print('done')", None, r"it saved no weights.pth; its last lines:\n    done"),
        (
            SAVES.replace("STEPS", str(STEPS)),
            "Could not ",
            "it went on without a picture: Could not read the picture",
        ),
        (SAVES.replace("STEPS", "1"), None, f"it took 1 steps; {STEPS} expected"),
    ],
)
def test_a_trainer_that_fails(checkout, tmp_path, script, complaint, said):
    (checkout / "train.py").write_text(script)
    with pytest.raises(run.Failed, match=said):
        run.train(made_up(complaint), checkout, tmp_path / "run", [])


@pytest.mark.slow
def test_a_trainer_runs_in_a_copy_that_is_gone_afterwards(checkout, tmp_path):
    assert run.differing(run.train(made_up(), checkout, tmp_path / "run", []), weights(0.0, 0.0, 0.0)) == ()
    assert not (tmp_path / "run").exists()
    assert [file.name for file in checkout.iterdir()] == ["train.py"]
