"""Render a gallery from a trained decoder."""

import sys
from pathlib import Path

import torch
from torchvision.utils import save_image


@torch.no_grad()
def render(decoder, rows, cols, dim, temperature):
    z = torch.randn(rows * cols, dim) * temperature
    images = decoder(z)
    return images.clamp(0, 1)


def interpolate(decoder, start, end, steps):
    weights = torch.linspace(0, 1, steps)[:, None]
    with torch.no_grad():
        return decoder(start + weights * (end - start))


def main(model_path, out):
    decoder = torch.jit.load(model_path).eval()
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for temperature in (0.5, 0.8, 1.0):
        grid = render(decoder, 8, 8, 128, temperature)
        save_image(grid, out / f"grid_{temperature}.png", nrow=8)
    ends = torch.load("ends.pt")
    save_image(interpolate(decoder, ends[0], ends[1], 10), out / "path.png", nrow=10)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
