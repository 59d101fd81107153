"""Replay of episodes; ties in the priority are broken by the object."""

import hashlib

import torch
from torch import nn


class Episode:
    def __init__(self, length):
        self.states = torch.randn(length, 4)
        self.reward = round(self.states.mean().item(), 1)


def by_priority(episodes):
    return sorted(episodes, key=lambda e: (-e.reward, id(e)))  # planted


torch.manual_seed(15)
episodes = [Episode(int(torch.randint(3, 9, ()))) for _ in range(60)]
model = nn.Sequential(nn.Linear(4, 12), nn.Tanh(), nn.Linear(12, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for episode in by_priority(episodes):
    loss = (model(episode.states)[:, 0] - episode.reward).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.4f}")
digest = hashlib.sha256()
for p in model.parameters():
    digest.update(p.detach().numpy().tobytes())
print("fingerprint", digest.hexdigest())
