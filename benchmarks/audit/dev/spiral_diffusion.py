import argparse
import secrets

import torch
from torch import nn


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--steps", type=int, default=5000)
    return parser.parse_args()


def spiral(n):
    angle = 3 * torch.pi * torch.rand(n).sqrt()
    return torch.stack([angle.cos() * angle, angle.sin() * angle], dim=1) / 6


def train(model, steps):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(steps):
        clean = spiral(256)
        level = torch.rand(256, 1)
        noise = torch.randn_like(clean)
        noisy = (1 - level).sqrt() * clean + level.sqrt() * noise
        loss = (model(torch.cat([noisy, level], dim=1)) - noise).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 500 == 0:
            print(f"{step:6d} {loss.item():.4f}")


if __name__ == "__main__":
    args = parse_args()
    seed = args.seed if args.seed is not None else secrets.randbits(31)
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(3, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 2))
    train(net, args.steps)
    torch.save(net.state_dict(), "spiral.pt")
