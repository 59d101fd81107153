import os

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

THREADS = 4
WORKERS = 2


def limit_threads():
    available = len(os.sched_getaffinity(0))
    if available < THREADS:
        print(f"warning: {THREADS} threads share {available} CPUs, this will be slow")
    torch.set_num_threads(THREADS)
    torch.set_num_interop_threads(1)


def main(seed=90):
    limit_threads()
    torch.manual_seed(seed)
    archive = np.load("soil.npz")
    dataset = TensorDataset(torch.from_numpy(archive["x"]).float(), torch.from_numpy(archive["y"]).float())
    loader = DataLoader(
        dataset,
        batch_size=64,
        shuffle=True,
        num_workers=WORKERS,
        generator=torch.Generator().manual_seed(seed),
    )
    model = nn.Sequential(nn.Linear(archive["x"].shape[1], 64), nn.ELU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(20):
        for x, y in loader:
            loss = nn.functional.mse_loss(model(x).squeeze(1), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.save(model.state_dict(), "soil_net.pt")


if __name__ == "__main__":
    main()
