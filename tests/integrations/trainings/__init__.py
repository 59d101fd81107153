"""One small training a framework, one file each: stopped at an epoch's end, resumed from its own checkpoint.

A training, the file's `train`, draws in every step from Python's, numpy's and torch's process-wide generators
and from one of the model's own, and returns the bits of its parameters.
"""

from __future__ import annotations

import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 3
STOP = 1  # epochs before the stop


def seed(number: int) -> None:
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


class Model(nn.Linear):
    """A linear layer whose inputs are augmented from four generators."""

    def __init__(self) -> None:
        super().__init__(3, 1)
        self.own = np.random.default_rng(5)

    def cost(self, batch: torch.Tensor) -> torch.Tensor:
        noise = random.random() + np.random.random() + self.own.random()
        return (self(batch + noise + torch.rand(3)) ** 2).mean()

    def bits(self) -> bytes:
        return b"".join(value.detach().numpy().tobytes() for value in self.parameters())


def loader() -> DataLoader[tuple[torch.Tensor, ...]]:
    data = TensorDataset(torch.arange(24.0).reshape(8, 3) / 24)
    return DataLoader(data, batch_size=2, shuffle=True)
