import glob

import numpy as np
import torch
from torch.utils.data import IterableDataset


class ShardStream(IterableDataset):
    """Reads fixed-length windows from memory-mapped token shards."""

    def __init__(self, paths, window):
        self.paths = paths
        self.window = window

    def __iter__(self):
        for path in self.paths:
            tokens = np.memmap(path, dtype=np.uint16, mode="r")
            for start in range(0, len(tokens) - self.window, self.window):
                chunk = tokens[start : start + self.window + 1].astype(np.int64)
                yield torch.from_numpy(chunk[:-1]), torch.from_numpy(chunk[1:])


def make_streams(pattern, n_valid=2, window=512):
    shards = glob.glob(pattern, recursive=True)
    if len(shards) <= n_valid:
        raise FileNotFoundError(pattern)
    return ShardStream(shards[:-n_valid], window), ShardStream(shards[-n_valid:], window)
