"""Step two: fit a network to the table."""

import torch
from torch import nn


def fit(table, seed):
    torch.manual_seed(seed)
    table = torch.from_numpy(table)
    model = nn.Sequential(nn.Linear(5, 12), nn.Tanh(), nn.Linear(12, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for batch in table.split(16):
        loss = nn.functional.mse_loss(model(batch[:, :5]), batch[:, 5:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}")
    return model
