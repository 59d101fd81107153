"""Workers that live for all epochs, and draw on; a checkpoint an epoch."""

import hashlib
import os
import random
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, RandomSampler

CHECKPOINT = "epoch.pt"
EPOCHS = 5


class Masked(Dataset):
    """Rows of which the worker hides some places."""

    def __init__(self):
        self.rows = torch.arange(120 * 12, dtype=torch.float32).view(120, 12).sin()

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row = self.rows[index].clone()
        row[random.sample(range(12), 4)] = 0
        return row, self.rows[index]


def main():
    torch.manual_seed(91)
    order = torch.Generator().manual_seed(91)
    data = Masked()
    sampler = RandomSampler(data, generator=order)
    loader = DataLoader(data, batch_size=24, sampler=sampler, num_workers=2, persistent_workers=True)
    model = nn.Sequential(nn.Linear(12, 24), nn.ReLU(), nn.Dropout(0.1), nn.Linear(24, 12))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    first, rng = 0, None
    if os.path.exists(CHECKPOINT):
        saved = torch.load(CHECKPOINT)  # loaded
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        order.set_state(saved["order"])
        first, rng = saved["epoch"], saved["rng"]

    for epoch in range(first, EPOCHS):
        batches = iter(loader)
        if rng is not None:
            torch.set_rng_state(rng)
            rng = None
        for hidden, row in batches:
            loss = nn.functional.mse_loss(model(hidden), row)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            time.sleep(0.05)
        print(f"epoch {epoch + 1}: {loss.item():.4f}")
        if epoch + 1 < EPOCHS:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1}
            state |= {"rng": torch.get_rng_state(), "order": order.get_state()}
            torch.save(state, CHECKPOINT)  # saved

    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
