"""An LSTM learns which symbol follows in a text."""

from __future__ import annotations

from collections.abc import Iterator

import torch.nn.functional as F
import training
from torch import Tensor, nn
from torch.optim import Optimizer

SYMBOLS, LENGTH, WIDTH = 32, 48, 128


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.symbols = nn.Embedding(SYMBOLS, 32)
        self.layers = nn.LSTM(32, WIDTH, num_layers=2, dropout=0.2, batch_first=True)
        self.head = nn.Linear(WIDTH, SYMBOLS)

    def forward(self, written: Tensor) -> Tensor:
        out, _ = self.layers(self.symbols(written))
        return self.head(out)


def train(model: nn.Module, optimizer: Optimizer) -> Iterator[Tensor]:
    """The loss of each step."""
    written = training.text(20_000, SYMBOLS)
    device = next(model.parameters()).device
    while True:
        before, after = training.windows(written, LENGTH, 16, device)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(before).flatten(0, 1), after.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        yield loss.detach()


if __name__ == "__main__":
    training.run(Net, train, "adam", sgd=0.5)
