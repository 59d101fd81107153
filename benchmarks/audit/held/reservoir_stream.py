import random
from itertools import islice

import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info


class LineStream(IterableDataset):
    """Shuffle buffer over many text files, split among the workers by file."""

    def __init__(self, paths, buffer_size=10_000, seed=0):
        self.paths = paths
        self.buffer_size = buffer_size
        self.rng = random.Random(seed)

    def lines(self):
        info = get_worker_info()
        paths = self.paths if info is None else self.paths[info.id :: info.num_workers]
        for path in paths:
            with open(path) as f:
                yield from f

    def __iter__(self):
        lines = self.lines()
        buffer = list(islice(lines, self.buffer_size))
        for line in lines:
            k = self.rng.randrange(len(buffer))
            yield buffer[k]
            buffer[k] = line
        self.rng.shuffle(buffer)
        yield from buffer


def encode(lines, max_len=128):
    out = torch.zeros(len(lines), max_len, dtype=torch.long)
    for row, line in enumerate(lines):
        ids = list(line.encode())[:max_len]
        out[row, : len(ids)] = torch.tensor(ids)
    return out


def make_loader(paths, batch_size):
    return DataLoader(LineStream(paths), batch_size=batch_size, num_workers=8, collate_fn=encode)
