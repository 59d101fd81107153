"""Bayesian personalised ranking on synthetic clicks."""

import hashlib

import numpy as np
import torch
from sampling import NegativeSampler
from torch import nn

USERS, ITEMS = 20, 30


def make_clicks():
    rng = np.random.RandomState(5)
    users, items = rng.randint(0, USERS, 200), rng.randint(0, ITEMS, 200)
    return list(zip(users.tolist(), items.tolist(), strict=True))


class Ranker(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.user = nn.Embedding(USERS, dim)
        self.item = nn.Embedding(ITEMS, dim)

    def forward(self, user, item):
        return (self.user(user) * self.item(item)).sum(1)


def main(seed=5):
    np.random.seed(seed)
    torch.manual_seed(seed)
    clicks = make_clicks()
    popularity = np.bincount([i for _, i in clicks], minlength=ITEMS) + 1.0
    seen = [{i for u, i in clicks if u == user} for user in range(USERS)]
    sampler = NegativeSampler(popularity, seen)  # also
    model = Ranker()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for start in range(0, len(clicks), 25):
        batch = clicks[start : start + 25]
        users = torch.tensor([u for u, _ in batch])
        liked = torch.tensor([i for _, i in batch])
        other = torch.tensor([sampler.draw(u) for u, _ in batch])
        loss = -nn.functional.logsigmoid(model(users, liked) - model(users, other)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"{start:3d} {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


main()
