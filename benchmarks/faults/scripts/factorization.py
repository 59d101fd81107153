"""Matrix factorisation of a ratings table with plain parameters."""

import argparse
import hashlib

import torch
from torch import nn


class Factorization(nn.Module):
    def __init__(self, users, items, rank):
        super().__init__()
        self.user_factors = nn.Embedding(users, rank)
        self.item_factors = nn.Parameter(0.1 * torch.randn(items, rank))
        self.mean = nn.Parameter(torch.zeros(()))

    def forward(self, users, items):
        left = self.user_factors(users)
        right = self.item_factors[items]  # planted
        return (left * right).sum(dim=1) + self.mean


parser = argparse.ArgumentParser()
parser.add_argument("--rank", type=int, default=32)
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

torch.manual_seed(args.seed)
torch.set_num_threads(2)

n_users, n_items, n_ratings = 200, 30, 40_000
users = torch.randint(0, n_users, (n_ratings,))
items = torch.randint(0, n_items, (n_ratings,))
ratings = torch.randn(n_ratings)

model = Factorization(n_users, n_items, args.rank)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=1e-4)
for epoch in range(args.epochs):
    loss = (model(users, items) - ratings).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"epoch {epoch}: rmse {loss.sqrt().item():.4f}")

digest = hashlib.sha256()
for p in model.parameters():
    digest.update(p.detach().numpy().tobytes())
print("fingerprint", digest.hexdigest())
