"""A small causal transformer learns which symbol follows in a text."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
import training
from torch import Tensor, nn
from torch.optim import Optimizer

SYMBOLS, LENGTH, WIDTH = 32, 64, 64


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.symbols = nn.Embedding(SYMBOLS, WIDTH)
        self.positions = nn.Parameter(torch.randn(LENGTH, WIDTH) * 0.02)
        layer = nn.TransformerEncoderLayer(
            WIDTH, 4, 4 * WIDTH, dropout=0.1, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, 2, nn.LayerNorm(WIDTH), enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, SYMBOLS)

    def forward(self, written: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(LENGTH, device=written.device)
        x = self.symbols(written) + self.positions
        return self.head(self.layers(x, mask=mask, is_causal=True))


def train(model: nn.Module, optimizer: Optimizer) -> Iterator[Tensor]:
    """The loss of each step."""
    written = training.text(20_000, SYMBOLS)
    warmup = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 20))
    device = next(model.parameters()).device
    while True:
        before, after = training.windows(written, LENGTH, 8, device)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(before).flatten(0, 1), after.flatten())
        loss.backward()
        optimizer.step()
        warmup.step()
        yield loss.detach()


if __name__ == "__main__":
    training.run(Net, train, "adamw")
