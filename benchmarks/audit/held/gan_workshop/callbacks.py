import time
from pathlib import Path

import torch
from torchvision.utils import save_image


class Samples:
    """Writes a sheet of pictures after every epoch."""

    def __init__(self, latent, folder, count=64):
        self.latent = latent
        self.count = count
        self.folder = Path(folder)
        self.folder.mkdir(exist_ok=True)

    @torch.no_grad()
    def __call__(self, painter, epoch):
        noise = torch.randn(self.count, self.latent)
        save_image(painter(noise), self.folder / f"{epoch:04d}.png", normalize=True)


class Stopper:
    def __init__(self, hours):
        self.end = time.monotonic() + 3600 * hours

    def done(self):
        return time.monotonic() >= self.end
