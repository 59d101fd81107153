"""The four training steps that overhead is measured on, of sizes that a two-core laptop trains quickly."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Cnn(nn.Module):
    """(a) Three convolutions with batch normalisation on 32 images of 3 x 32 x 32."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
            nn.Conv2d(32, 64, 3, padding=1, stride=2), nn.BatchNorm2d(64), nn.ReLU(),
            nn.Conv2d(64, 64, 3, padding=1, stride=2), nn.BatchNorm2d(64), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).mean((2, 3)))


class Transformer(nn.Module):
    """(b) Four encoder layers, width 256, on 8 sequences of 128 tokens."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(256, 4, 1024, dropout=0.1, batch_first=True)
        self.embed = nn.Embedding(256, 256)
        self.layers = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False)
        self.head = nn.Linear(256, 256)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.layers(self.embed(tokens)))


class Lstm(nn.Module):
    """(c) An LSTM written out, so that a step is some two thousand operations of under 3 microseconds."""

    def __init__(self) -> None:
        super().__init__()
        self.input = nn.Linear(16, 128)
        self.hidden = nn.Linear(32, 128)
        self.head = nn.Linear(32, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(x.shape[0], 32)
        for t in range(x.shape[1]):
            i, f, g, o = (self.input(x[:, t]) + self.hidden(h)).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return self.head(h)


def mlp() -> nn.Module:
    """(d) Three linear layers with Adam on 256 vectors of 784."""
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def case(name: str) -> Callable[[], None]:
    """One training step of the case ``name``, ready to be called again and again."""
    torch.manual_seed(0)
    model: nn.Module
    if name == "cnn":
        model, x, y = Cnn(), torch.randn(32, 3, 32, 32), torch.randint(10, (32,))
    elif name == "transformer":
        model, x, y = Transformer(), torch.randint(256, (8, 128)), torch.randint(256, (8 * 128,))
    elif name == "lstm":
        model, x, y = Lstm(), torch.randn(8, 48, 16), torch.randint(4, (8,))
    elif name == "mlp":
        model, x, y = mlp(), torch.randn(256, 784), torch.randint(10, (256,))
    else:
        raise ValueError(name)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        out = model(x)
        F.cross_entropy(out.reshape(-1, out.shape[-1]), y).backward()
        optimizer.step()

    return step
