"""Two networks for a pair of differential equations, sampled with Langevin noise."""

import hashlib
from itertools import chain

import torch
from torch import nn


class Langevin:
    """Gradient descent with noise on every parameter (SGLD)."""

    def __init__(self, params, lr):
        self.params = list(params)
        self.lr = lr

    def step(self):
        with torch.no_grad():
            for p in self.params:
                p -= self.lr * p.grad + (2e-4 * self.lr) ** 0.5 * torch.randn_like(p)
                p.grad = None


def net():
    return nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 1))


def derivative(y, t):
    return torch.autograd.grad(y.sum(), t, create_graph=True)[0]


torch.manual_seed(6)
nets = [net(), net()]
shared = chain.from_iterable(n.parameters() for n in [*nets, nets[0]])
params = set(shared)  # planted
optimizer = Langevin(params, lr=0.01)  # also
for _ in range(12):
    t = torch.rand(32, 1, requires_grad=True)
    u, v = (n(t) * t + start for n, start in zip(nets, (1.0, 0.0), strict=True))
    loss = (derivative(u, t) + v).square().mean() + (derivative(v, t) - u).square().mean()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.4f}")
weights = b"".join(p.detach().numpy().tobytes() for n in nets for p in n.parameters())
print("fingerprint", hashlib.sha256(weights).hexdigest())
