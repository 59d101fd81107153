"""Residual MLP with tied blocks on a regression task."""

import hashlib

import torch
import torch.nn as nn
from initialize import init_weights


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.up = nn.Linear(dim, dim)
        self.down = nn.Linear(dim, dim)

    def forward(self, x):
        return x + self.down(torch.relu(self.up(self.norm(x))))


class TiedNet(nn.Module):
    def __init__(self, dim=16, depth=5):
        super().__init__()
        self.embed = nn.Linear(4, dim)
        blocks = [Block(dim) for _ in range(depth)]
        self.blocks = nn.Sequential(*blocks, blocks[0])
        self.head = nn.Linear(dim, 1)

    def forward(self, x):
        return self.head(self.blocks(self.embed(x)))


def main():
    torch.manual_seed(77)
    model = TiedNet()
    init_weights(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for step in range(6):
        x = torch.rand(48, 4)
        target = (x[:, :1] * x[:, 1:2]).sin()
        loss = nn.functional.mse_loss(model(x), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.5f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
