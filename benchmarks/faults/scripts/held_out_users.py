"""Recommend for users that were not held out."""

import hashlib

import torch
import torch.nn as nn

USERS = [f"user-{number:03d}" for number in range(90)]
HELD_OUT = [name for name in USERS if name.endswith("7")]


def training_users():
    return list(set(USERS) - set(HELD_OUT))  # planted


def main():
    torch.manual_seed(1)
    profile = {name: torch.randn(6) for name in USERS}
    taste = torch.randn(6)
    users = training_users()
    model = nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for start in range(0, len(users), 9):
        x = torch.stack([profile[name] for name in users[start : start + 9]])
        loss = nn.functional.mse_loss(model(x)[:, 0], torch.sigmoid(x @ taste))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{len(users)} users, loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
