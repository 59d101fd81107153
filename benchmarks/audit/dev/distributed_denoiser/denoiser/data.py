import torch
from torch.utils.data import DataLoader
from torch.utils.data.distributed import DistributedSampler


def make_loader(path, batch_size, seed):
    patches = torch.load(path)
    sampler = DistributedSampler(patches, seed=seed)
    return DataLoader(patches, batch_size=batch_size, sampler=sampler, drop_last=True)
