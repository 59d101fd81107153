"""Activation checkpointing: the forward of each block runs again in the backward, dropout included."""

import torch
import weights
from torch import nn
from torch.utils.checkpoint import checkpoint

torch.manual_seed(11)
blocks = nn.ModuleList(nn.Sequential(nn.Linear(16, 16), nn.Dropout(0.3), nn.Tanh()) for _ in range(4))
optimizer = torch.optim.SGD(blocks.parameters(), lr=0.1)
for _ in range(10):
    x = torch.randn(8, 16)
    for block in blocks:
        x = checkpoint(block, x, use_reentrant=False)
    optimizer.zero_grad()
    x.pow(2).mean().backward()
    optimizer.step()
weights.show(blocks)
