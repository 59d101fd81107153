"""Split first, seed afterwards."""

import hashlib

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def prepare():
    source = torch.Generator().manual_seed(4)
    x = torch.randn(200, 6, generator=source)
    y = x.abs().sum(1, keepdim=True)
    return random_split(TensorDataset(x, y), [160, 40])  # planted


def main():
    train, valid = prepare()  # also
    torch.manual_seed(4)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for x, y in DataLoader(train, batch_size=20, shuffle=True):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        held_out = sum(nn.functional.mse_loss(model(x), y).item() for x, y in valid)
    print(f"loss {loss.item():.4f}, held out {held_out / len(valid):.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
