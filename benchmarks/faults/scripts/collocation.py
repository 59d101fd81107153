"""Physics-informed network for u'' = -u on Latin hypercube points."""

import hashlib

import torch
from scipy.stats import qmc
from torch import nn


class Field(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, t):
        return t * self.net(t)


def residual(field, t):
    t = t.clone().requires_grad_(True)
    u = field(t)
    first = torch.autograd.grad(u.sum(), t, create_graph=True)[0]
    second = torch.autograd.grad(first.sum(), t, create_graph=True)[0]
    return (second + u).square().mean()


def main():
    torch.manual_seed(0)
    field = Field()
    optimizer = torch.optim.Adam(field.parameters(), lr=0.01)
    sampler = qmc.LatinHypercube(d=1)  # planted
    for step in range(12):
        t = torch.tensor(3.0 * sampler.random(32), dtype=torch.float32)  # also
        loss = residual(field, t) + (field(torch.full((1, 1), 1.57)) - 1.0).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")
    raw = b"".join(p.detach().numpy().tobytes() for p in field.parameters())
    print("fingerprint", hashlib.sha256(raw).hexdigest())


if __name__ == "__main__":
    main()
