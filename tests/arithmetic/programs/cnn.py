"""A convolutional network learns scikit-learn's handwritten digits."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
import training
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.optim import Optimizer


def block(conv: nn.Module, channels: int) -> nn.Sequential:
    return nn.Sequential(conv, nn.BatchNorm2d(channels), nn.ReLU())


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.larger = nn.Upsample(scale_factor=3, mode="bilinear")
        self.stem = block(nn.Conv2d(1, 24, 3, padding=1, bias=False), 24)
        self.pool = nn.MaxPool2d(2)
        self.down = block(nn.Conv2d(24, 48, 3, stride=2, padding=1, bias=False), 48)
        self.up = block(nn.ConvTranspose2d(48, 24, 2, stride=2), 24)
        self.last = block(nn.Conv2d(48, 48, 3, padding=1, bias=False), 48)
        self.larger_again = nn.Upsample(scale_factor=1.5, mode="bilinear")
        self.head = nn.Conv2d(48, 10, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.stem(self.larger(x)))
        x = self.last(torch.cat([x, self.up(self.down(x))], 1))
        return self.head(self.larger_again(x)).mean((2, 3))


def train(model: nn.Module, optimizer: Optimizer) -> Iterator[Tensor]:
    """The loss of each step."""
    device = next(model.parameters()).device
    images, labels = (torch.from_numpy(array).to(device) for array in load_digits(return_X_y=True))
    images = images.float().view(-1, 1, 8, 8) / 16
    while True:
        batch = torch.randperm(len(images))[:64]
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
        yield loss.detach()


if __name__ == "__main__":
    training.run(Net, train, "sgd")
