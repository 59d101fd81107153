"""Train on shards that a background thread is still unpacking."""

import hashlib
import random
import threading
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

SHARDS = Path("shards")
N_SHARDS = 4


def unpack(n_shards):
    rng = np.random.default_rng(0)
    for i in range(n_shards):
        time.sleep(0.06)
        part = SHARDS / f"{i}.tmp.npy"
        np.save(part, rng.normal(size=(64, 9)).astype(np.float32))
        part.rename(SHARDS / f"{i}.npy")


def open_shard(number, retries=20000):
    """Open a shard; wait a little, with jitter, while it is not there yet."""
    for _ in range(retries):
        try:
            return np.load(SHARDS / f"{number}.npy")
        except FileNotFoundError:
            time.sleep(random.uniform(0.0001, 0.0003))  # planted
    raise TimeoutError(f"shard {number} did not appear")


def main():
    random.seed(15)
    torch.manual_seed(15)
    SHARDS.mkdir(exist_ok=True)
    for old in SHARDS.glob("*.npy"):
        old.unlink()
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    unpacker = threading.Thread(target=unpack, args=(N_SHARDS,))
    unpacker.start()
    for number in range(N_SHARDS):
        rows = list(open_shard(number))
        random.shuffle(rows)
        for start in range(0, len(rows), 16):
            batch = torch.from_numpy(np.stack(rows[start : start + 16]))
            loss = nn.functional.mse_loss(model(batch[:, :8]), batch[:, 8:])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"shard {number} loss {loss.item():.4f}")
    unpacker.join()
    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
