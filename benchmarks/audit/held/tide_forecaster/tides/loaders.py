import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset


def windows(levels, length=54):
    pieces = torch.from_numpy(levels).float().unfold(0, length, 6)
    return TensorDataset(pieces[:, :48], pieces[:, 48:])


def make_loader(dataset, batch_size, shuffle, seed=0):
    generator = torch.Generator()
    generator.manual_seed(seed)
    return DataLoader(dataset, batch_size=batch_size, shuffle=shuffle, generator=generator)


def build_loaders(path, batch_size, seed):
    levels = np.load(path)
    cut = int(0.9 * len(levels))
    train = make_loader(windows(levels[:cut]), batch_size, shuffle=True)
    val = make_loader(windows(levels[cut:]), 4 * batch_size, shuffle=False)
    return train, val
