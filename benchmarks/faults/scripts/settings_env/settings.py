"""Settings of the project; each can be set from the environment."""

import os
from dataclasses import dataclass


def env(name, default):
    return type(default)(os.environ.get(name, default))  # also


@dataclass(frozen=True)
class Settings:
    learning_rate: float
    batch_size: int
    epochs: int
    seed: int


def load_settings():
    return Settings(
        learning_rate=env("TRAIN_LR", 0.05),
        batch_size=env("TRAIN_BATCH_SIZE", 16),  # planted
        epochs=env("TRAIN_EPOCHS", 1),
        seed=env("TRAIN_SEED", 0),
    )
