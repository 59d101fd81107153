"""Learn to read handwritten digits; every seed is set, and still no two runs agree.

A small network with an upsampling and an embedding layer, on the 1,797 real digits that come with
scikit-learn.  The embedding is written as it is in many programs, `table[index]`; its gradient adds up many
rows at the same places, and on more than one thread the order of these additions is not fixed.

    samebits verify examples/digits.py
"""

from __future__ import annotations

import argparse
import random

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

LEVELS = 17  # a pixel's brightness is 0 .. 16


class Reader(nn.Module):
    """Brightness levels -> embedding -> upsampling -> convolutions -> one of ten digits."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(LEVELS, 16))
        self.first = nn.Conv2d(16, 16, 3, padding=1)
        self.second = nn.Conv2d(16, 16, 3, padding=1, stride=2)
        self.dropout = nn.Dropout(0.1)
        self.last = nn.Linear(16 * 8 * 8, 10)

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        image = self.table[levels].permute(0, 3, 1, 2)
        image = F.interpolate(image, scale_factor=2.0, mode="bilinear", align_corners=False)
        image = F.relu(self.first(image))
        image = F.relu(self.second(image))
        return self.last(self.dropout(image.flatten(1)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    random.seed(options.seed)
    np.random.seed(options.seed)
    torch.manual_seed(options.seed)
    torch.set_num_threads(2)

    digits = load_digits()
    levels = torch.from_numpy(digits.images.astype(np.int64))
    answers = torch.from_numpy(digits.target)
    data = torch.utils.data.TensorDataset(levels, answers)
    loader = torch.utils.data.DataLoader(data, batch_size=64, shuffle=True)

    model = Reader()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(options.epochs):
        right = 0
        for batch, labels in loader:
            optimizer.zero_grad()
            scores = model(batch)
            loss = F.cross_entropy(scores, labels)
            loss.backward()
            optimizer.step()
            right += int((scores.argmax(1) == labels).sum())
        print(f"epoch {epoch}: loss {loss.item():.9f}, {right} of {len(data)} read rightly")


if __name__ == "__main__":
    main()
