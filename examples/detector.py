"""Find digits in a picture and read them, with everything that PyTorch has no deterministic backward for.

A small detector on pictures of four handwritten digits (scikit-learn's own, nothing is downloaded): levels of
grey looked up in a table, a feature pyramid with bilinear upsampling, adaptive pooling to a fixed size, a
spatial transformer with grid_sample, counts of digits by scatter, and a reading by CTC.  On a GPU PyTorch
raises for most of their backwards; here each runs, and gives the same bits twice:

    samebits verify examples/detector.py
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn

import samebits

STEPS, BATCH, DIGITS, LEVELS = 30, 16, 4, 17
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Detector(nn.Module):
    """Levels (N, 16, 48) -> log-probabilities over time (T, N, 11), counts (N, 10), heat (N, 1, 16, 48)."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(LEVELS, 4) * 0.3)
        self.fine = nn.Conv2d(4, width, 3, padding=1, padding_mode="replicate")
        self.coarse = nn.Conv2d(width, width, 3, stride=2, padding=1)
        self.place = nn.Linear(width * 2 * 6, 6)
        self.heat = nn.Conv2d(width, 1, 1)
        self.read = nn.Conv1d(width * 4, 11, 3, padding=1)
        nn.init.zeros_(self.place.weight)
        self.place.bias.data = torch.tensor([1.0, 0, 0, 0, 1, 0])

    def forward(self, levels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        picture = self.table[levels].permute(0, 3, 1, 2)
        fine = F.relu(self.fine(picture))
        coarse = F.relu(self.coarse(fine))
        pyramid = fine + F.interpolate(coarse, size=fine.shape[2:], mode="bilinear", align_corners=False)
        theta = self.place(F.adaptive_avg_pool2d(coarse, (2, 6)).flatten(1)).view(-1, 2, 3)
        grid = F.affine_grid(theta, list(pyramid.shape), align_corners=False)
        straight = F.grid_sample(pyramid, grid, align_corners=False)
        columns = F.adaptive_max_pool2d(straight, (4, 20)).flatten(1, 2)
        scores = self.read(columns).permute(2, 0, 1).log_softmax(2)
        best = scores.detach().argmax(2).t()
        counts = scores.new_zeros(len(levels), 11).scatter_add(1, best, scores.exp().amax(2).t())
        return scores, counts[:, 1:], self.heat(pyramid)


def pictures(generator: torch.Generator, data: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Levels (N, 16, 48) with four digits at random heights, the digits 1..10 (N, 4), where there is ink."""
    chosen = torch.randint(len(data), (BATCH, DIGITS), generator=generator)
    heights = torch.randint(9, (BATCH, DIGITS), generator=generator)
    levels = torch.zeros(BATCH, 16, 48, dtype=torch.long)
    for n in range(BATCH):
        for d in range(DIGITS):
            top, left = int(heights[n, d]), 2 + 11 * d
            levels[n, top : top + 8, left : left + 8] = data[chosen[n, d]]
    return levels, labels[chosen] + 1, (levels > 4).float().unsqueeze(1)


def main() -> None:
    samebits.seed_everything(11)
    samebits.deterministic(replace="all")  # "all": ours on the CPU, too, so that they are what is verified
    digits = load_digits()
    data, labels = torch.tensor(digits.images).long(), torch.tensor(digits.target)
    model = Detector().to(DEVICE)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(11)
    for step in range(STEPS):
        levels, reading, ink = (x.to(DEVICE) for x in pictures(generator, data, labels))
        scores, counts, heat = model(levels)
        lengths = torch.full((BATCH,), len(scores)), torch.full((BATCH,), DIGITS)
        wanted = torch.zeros_like(counts).scatter_add(
            1, reading - 1, torch.ones(reading.shape, device=DEVICE)
        )
        loss = (
            F.ctc_loss(scores, reading, *lengths)
            + F.binary_cross_entropy_with_logits(heat, ink)
            + 0.1 * F.mse_loss(counts, wanted)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 9:
            print(f"step {step + 1:3d}  loss {loss.item():.9f}")


if __name__ == "__main__":
    main()
