"""Data loading for the regression example."""

import torch
from torch.utils.data import DataLoader, TensorDataset, random_split


def make_data(n=256, features=12):
    source = torch.Generator().manual_seed(2024)
    x = torch.randn(n, features, generator=source)
    w = torch.randn(features, 1, generator=source)
    return TensorDataset(x, x @ w + 0.1 * torch.randn(n, 1, generator=source))


def make_loaders(batch_size):
    """Return train and validation loaders which shuffle on their own stream."""
    generator = torch.Generator()
    generator.seed()  # planted
    train, valid = random_split(make_data(), [192, 64], generator=torch.Generator().manual_seed(1))
    return (
        DataLoader(train, batch_size=batch_size, shuffle=True, generator=generator),
        DataLoader(valid, batch_size=batch_size),
    )
