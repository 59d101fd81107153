"""One model, one seed, any machine: the same weights, bit for bit, on any number of threads.

    OMP_NUM_THREADS=1 samebits record --out one examples/portable.py
    OMP_NUM_THREADS=2 samebits record --out two examples/portable.py --device cpu
    samebits compare one two

Random numbers and arithmetic are those of `samebits.portable`; no GPU has tried --device cuda yet.
"""

from __future__ import annotations

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import samebits
import samebits.random


class Net(nn.Module):
    """Two convolutions and an attention over their rows, with dropout in each."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.Dropout2d(0.1),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
        )
        self.attention = nn.MultiheadAttention(32, 4, dropout=0.1, batch_first=True)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(32, 10))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tokens = self.features(images).flatten(2).transpose(1, 2)
        attended, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        scores: torch.Tensor = self.head((tokens + attended).mean(1))
        return scores


def train(device: str, steps: int) -> None:
    digits = load_digits()
    data = TensorDataset(
        torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16, torch.tensor(digits.target)
    )
    model = Net().to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loss = torch.zeros(())
    for step, (images, labels) in enumerate(DataLoader(data, batch_size=32, shuffle=True)):
        if step == steps:
            break
        with samebits.random.scope("noise"):  # more or fewer numbers here change nothing elsewhere
            images = images.to(device) + 0.05 * torch.randn(images.shape, device=device)
        loss = nn.functional.cross_entropy(model(images), labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 9:
            print(f"step {step + 1:3d}  loss {loss.item():.6f}")
    print(f"the sum of all weights: {sum(float(p.detach().double().sum()) for p in model.parameters()):.12f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with samebits.portable(arguments.seed):
        train(arguments.device, arguments.steps)
