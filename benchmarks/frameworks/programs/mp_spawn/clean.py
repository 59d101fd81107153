# Spawned workers, each of which seeds what it draws from.
import hashlib

import numpy as np
import torch
import torch.multiprocessing as mp
from torch import nn


def worker(rank, shards, results):
    torch.manual_seed(42 + rank)
    np.random.seed(42 + rank)
    x = shards[rank]
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.02)
    for _ in range(3):
        order = np.random.permutation(len(x))
        for i in range(0, len(x), 16):
            batch = x[order[i : i + 16]]
            loss = nn.functional.mse_loss(model(batch), batch.sum(1, keepdim=True))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    results[rank].copy_(torch.cat([p.detach().flatten() for p in model.parameters()]))


def main():
    np.random.seed(42)
    torch.manual_seed(42)
    shards = torch.from_numpy(np.random.randn(2, 96, 6).astype(np.float32)).share_memory_()
    results = torch.zeros(2, 129).share_memory_()
    mp.spawn(worker, args=(shards, results), nprocs=2)
    print("mean", results.mean().item())
    print("HASH", hashlib.sha256(results.numpy().tobytes()).hexdigest())


if __name__ == "__main__":
    main()
