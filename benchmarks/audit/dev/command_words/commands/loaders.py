import torch
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler


def words_loader(settings):
    blob = torch.load(settings.data)
    dataset = TensorDataset(blob["spectrograms"], blob["words"])
    sampler = DistributedSampler(dataset, seed=settings.seed)
    return DataLoader(dataset, batch_size=settings.batch_size, sampler=sampler, pin_memory=True)
