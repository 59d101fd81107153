"""Window attention with learned relative positions, added to the keys."""

import torch
from torch import nn


class WindowAttention(nn.Module):
    def __init__(self, dim, window, heads):
        super().__init__()
        self.heads = heads
        self.scale = (dim // heads) ** -0.5
        self.qkv = nn.Linear(dim, dim * 3)
        self.proj = nn.Linear(dim, dim)
        self.position_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, dim // heads))
        nn.init.trunc_normal_(self.position_table, std=0.02)
        coords = torch.stack(
            torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
        ).flatten(1)
        relative = coords[:, :, None] - coords[:, None, :] + window - 1
        index = relative[0] * (2 * window - 1) + relative[1]
        self.register_buffer("position_index", index)

    def forward(self, x):
        b, n, c = x.shape
        qkv = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        positions = self.position_table[self.position_index]  # planted
        attention = q @ k.transpose(-2, -1) + torch.einsum("bhqd,qkd->bhqk", q, positions)
        attention = (attention * self.scale).softmax(dim=-1)
        return self.proj((attention @ v).transpose(1, 2).reshape(b, n, c))
