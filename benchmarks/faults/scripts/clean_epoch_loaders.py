"""Per-epoch loaders on a reseeded generator, with validation on another one."""

import hashlib

import torch
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, TensorDataset, random_split


def loader(data, epoch):
    generator = torch.Generator()
    generator.manual_seed(1000 + epoch)
    sampler = RandomSampler(data, replacement=True, num_samples=80, generator=generator)
    return DataLoader(data, batch_size=16, sampler=sampler, generator=generator)


def main():
    torch.manual_seed(13)
    x = torch.randn(150, 7)
    whole = TensorDataset(x, x.abs().amax(1, keepdim=True))
    train, valid = random_split(whole, [0.8, 0.2], generator=torch.Generator().manual_seed(1))
    model = nn.Sequential(nn.Linear(7, 14), nn.ReLU(), nn.Linear(14, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(3):
        for xb, yb in loader(train, epoch):
            loss = nn.functional.mse_loss(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            held = [
                nn.functional.mse_loss(model(xb), yb).item() for xb, yb in DataLoader(valid, batch_size=10)
            ]
        print(f"epoch {epoch} loss {loss.item():.4f} held out {sum(held) / len(held):.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
