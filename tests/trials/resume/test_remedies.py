"""What is to be added, in the words of who saves."""

from __future__ import annotations

import ast

import pytest

from samebits.trials.resume.outcome import KINDS
from samebits.trials.resume.remedies import WAYS, fix


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("how", ["not saved", "not loaded", "changed"])
@pytest.mark.parametrize("used", [None, *WAYS])
def test_every_kind_has_words(kind: str, how: str, used: str | None) -> None:
    text = fix(kind, "main.trainer.thing", how, None if how == "not saved" else "extra.thing", used)
    assert text
    assert "{" not in text.replace("{args.output_dir}", "").replace("{state.global_step}", "").replace(
        "{folder}", ""
    )


@pytest.mark.parametrize("kind", ["counter", "value"])
def test_accelerate_registers_no_plain_number(kind: str) -> None:
    text = fix(kind, "main.scale", "not saved", None, "accelerate")
    assert "register_for_checkpointing" not in text
    assert text.splitlines() == [
        'torch.save(main.scale, f"{folder}/scale.pt")  # behind save_state(folder)',
        'main.scale = torch.load(f"{folder}/scale.pt")  # behind load_state(folder)',
    ]


def test_the_words_of_a_loop_of_ones_own_can_be_pasted() -> None:
    added, restored = fix("torch-generator", "torch", "not saved", None, None).splitlines()
    ast.parse("{" + added.partition("#")[0].rstrip(", ") + "}")
    ast.parse(restored)
    assert 'checkpoint["torch_rng"]' in restored
    assert fix("scheduler", "main.sched", "not loaded", "lr", None).startswith(
        'main.sched.load_state_dict(checkpoint["lr"])'
    )


def test_each_framework_has_its_own() -> None:
    assert "RngState" in fix("torch-generator", "torch", "not saved", None, "lightning")
    assert "register_for_checkpointing" in fix("scheduler", "main.sched", "not saved", None, "accelerate")
    assert "TrainerCallback" in fix("numpy-generator", "numpy", "not saved", None, "transformers")
    assert "on_model_save" in fix("python-generator", "python", "not saved", None, "ultralytics")


@pytest.mark.parametrize(
    ("used", "word"),
    [("accelerate", "register_for_checkpointing(loader)"), ("transformers", "SampleSeeded(")],
)
def test_a_framework_that_draws_before_the_first_step(used: str, word: str) -> None:
    said = fix("torch-generator", "torch", "changed", "rng", used)
    assert word in said
    assert "set_rng_state" not in said
    assert "set_rng_state" in fix("torch-generator", "torch", "changed", "rng", None)
