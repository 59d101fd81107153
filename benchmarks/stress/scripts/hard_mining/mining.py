"""Batches of the examples that were hard so far."""

import torch


class HardBatches:
    """Draws examples by their last loss; training writes the losses."""

    def __init__(self, length, size, steps, seed):
        self.losses = torch.full((length,), 3.0)
        self.size, self.steps = size, steps
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self):
        return self.steps

    def __iter__(self):
        for _ in range(self.steps):
            chosen = torch.multinomial(self.losses, self.size, generator=self.generator)  # planted
            yield chosen.tolist()
