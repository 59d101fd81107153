import torch
from torch import nn


class Coupling(nn.Module):
    def __init__(self, flip):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, x, inverse=False):
        a, b = (x[:, 1:], x[:, :1]) if self.flip else (x[:, :1], x[:, 1:])
        log_scale, shift = self.net(a).tanh().chunk(2, dim=1)
        b = (b - shift) * (-log_scale).exp() if inverse else b * log_scale.exp() + shift
        return torch.cat([b, a] if self.flip else [a, b], dim=1), log_scale.squeeze(1)


def rings(n):
    angle = 2 * torch.pi * torch.rand(n)
    radius = 1.0 + torch.randint(2, (n,)) + 0.05 * torch.randn(n)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)


def picture(layers, path):
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        points = torch.randn(2000, 2)
        for layer in layers:
            points, _ = layer(points)
    torch.save(points, path)


def main(seed=7, steps=4000):
    torch.manual_seed(seed)
    layers = nn.ModuleList(Coupling(flip=i % 2 == 1) for i in range(6))
    optimizer = torch.optim.Adam(layers.parameters(), lr=1e-3)
    for step in range(steps):
        z, log_det = rings(512), 0.0
        for layer in reversed(layers):
            z, log_scale = layer(z, inverse=True)
            log_det = log_det - log_scale
        loss = (0.5 * z.square().sum(1) - log_det).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 500 == 0:
            picture(layers, f"flow_{step}.pt")


if __name__ == "__main__":
    main()
