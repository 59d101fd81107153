from functools import partial

import numpy as np
import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, Dataset
from torch.utils.data.distributed import DistributedSampler


class Clips(Dataset):
    def __init__(self, index, frames):
        self.index = index
        self.frames = frames

    def __len__(self):
        return len(self.index)

    def __getitem__(self, i):
        path, label = self.index[i]
        video = np.load(path, mmap_mode="r")
        start = np.random.randint(0, len(video) - self.frames + 1)
        return torch.from_numpy(np.ascontiguousarray(video[start : start + self.frames])), label


def init_worker(worker_id, seed, epoch):
    rank_seed = seed + 100_000 * epoch + dist.get_rank()
    np.random.seed(rank_seed + worker_id)


def loader_for_epoch(index, frames, seed, epoch, batch_size=8, workers=4):
    data = Clips(index, frames)
    sampler = DistributedSampler(data, seed=seed, drop_last=True)
    sampler.set_epoch(epoch)
    return DataLoader(
        data,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=workers,
        worker_init_fn=partial(init_worker, seed=seed, epoch=epoch),
    )
