"""The newest few checkpoints of a folder."""

from pathlib import Path

import torch


class Checkpoints:
    def __init__(self, folder, keep):
        self.folder = Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.keep = keep

    def paths(self):
        return sorted(self.folder.glob("step-*.pt"))

    def save(self, step, state):
        torch.save(state, self.folder / f"step-{step:06d}.pt")  # saved
        for old in self.paths()[: -self.keep]:
            old.unlink()

    def newest(self):
        return torch.load(self.paths()[-1], weights_only=False)  # loaded
