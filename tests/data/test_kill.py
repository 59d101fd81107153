"""Killed after any batch and resumed, a run is the uninterrupted one: batches, augmentations and weights."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path

import pytest
import torch
from tests.deep import every

from .program import Config, Training

TRIALS = 200
KILLED = 6  # of them, by a signal
KINDS = ["shuffled", "shuffled", "sequential", "sampler", "batch_sampler", "iterable", "shared out"]

pytestmark = pytest.mark.usefixtures("generators_restored")


def drawn(trial: int) -> tuple[random.Random, Config]:
    """The trial's configuration; `trial` is all there is to repeat it."""
    chance = random.Random(trial)
    batch_size = chance.choice([1, 2, 3, 4, 5, None])
    config = Config(
        kind=chance.choice(KINDS),
        workers=chance.choice([0, 0, 0, 2]),
        persistent=chance.random() < 0.5,
        batch_size=batch_size,
        length=chance.randint(3, 14),
        drop_last=batch_size is not None and chance.random() < 0.3,
        seed=chance.randrange(3),
    )
    return chance, config


@cache
def uninterrupted(config: Config) -> tuple[list[str], list[torch.Tensor]]:
    training = Training(config)
    assert training.run()
    return training.history, [one.detach().clone() for one in training.model.parameters()]


@pytest.mark.slow
@pytest.mark.parametrize("trial", every(8, range(TRIALS - KILLED)))
def test_killed_and_resumed_it_is_the_uninterrupted_run(trial):
    chance, config = drawn(trial)
    history, weights = uninterrupted(config)
    checkpoint, ended, left = None, False, len(history)
    for _ in range(chance.randint(1, 3)):
        training = Training(config, checkpoint)
        if left == 0 or training.run(steps := chance.randint(1, left)):
            break
        left -= steps
        checkpoint = training.checkpoint()
        del training  # and the workers with it, while they prefetch
        torch.rand(chance.randint(0, 5))  # whatever runs before the program is started again
    training = Training(config, checkpoint)
    ended = training.run()
    assert ended
    assert training.history == history, f"trial {trial}: {config}"
    assert all(map(torch.equal, training.model.parameters(), weights))


@pytest.mark.slow
@pytest.mark.parametrize("trial", every(KILLED, range(TRIALS - KILLED, TRIALS)))
def test_killed_by_a_signal_it_is_the_uninterrupted_run(trial, tmp_path):
    chance, config = drawn(trial)
    history, _ = uninterrupted(config)
    command = [
        sys.executable,
        str(Path(__file__).with_name("program.py")),
        str(tmp_path),
        json.dumps(asdict(config)),
    ]
    for _ in range(chance.randint(1, 2)):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for _ in range(chance.randint(1, max(1, len(history) // 2))):
                process.stdout.readline()
            process.kill()
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert json.loads((tmp_path / "history.json").read_text()) == history, f"trial {trial}: {config}"
