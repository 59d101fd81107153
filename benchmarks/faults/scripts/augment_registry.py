"""Augmentations register themselves; all of them are applied in turn."""

import hashlib

import torch
from torch import nn

AUGMENTATIONS = set()


def augmentation(function):
    AUGMENTATIONS.add(function)
    return function


@augmentation
def noise(x):
    return x + 0.05 * torch.randn_like(x)


@augmentation
def scale(x):
    return x * (1 + 0.1 * torch.randn(len(x), 1))


@augmentation
def mask(x):
    return x * (torch.rand_like(x) > 0.1)


@augmentation
def offset(x):
    return x + 0.05 * torch.randn(len(x), 1)


@augmentation
def swap(x):
    return x[:, torch.randperm(x.shape[1])]


@augmentation
def clip(x):
    return x.clamp(-2, 2)


def augment(x):
    for function in AUGMENTATIONS:  # planted
        x = function(x)
    return x


def main():
    torch.manual_seed(70)
    model = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(8):
        x = torch.randn(20, 6)
        loss = (model(augment(x))[:, 0] - x.mean(1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
