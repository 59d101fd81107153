"""Batches of a file of tokens, each drawn by a generator of its own purpose and number."""

import os

import numpy as np
import torch

DATA_DIR = "data"


def prepare(vocab_size):
    os.makedirs(DATA_DIR, exist_ok=True)
    rng = np.random.default_rng(1)
    steps = rng.integers(1, 4, size=9000).cumsum() % vocab_size
    steps[:8000].astype(np.uint16).tofile(os.path.join(DATA_DIR, "train.bin"))
    steps[8000:].astype(np.uint16).tofile(os.path.join(DATA_DIR, "val.bin"))


def get_batch(split, purpose, number, batch_size=8, block_size=32):
    data = np.memmap(os.path.join(DATA_DIR, f"{split}.bin"), dtype=np.uint16, mode="r")
    rng = np.random.default_rng([1337, purpose, number])
    starts = rng.integers(len(data) - block_size, size=batch_size)
    rows = np.stack([data[i : i + block_size + 1].astype(np.int64) for i in starts])
    rows = torch.from_numpy(rows)
    return rows[:, :-1], rows[:, 1:]
