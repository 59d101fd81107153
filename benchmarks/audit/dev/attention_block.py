import time

import torch
from torch import nn


def attend_math(q, k, v):
    weights = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(dim=-1)
    return weights @ v


def attend_fused(q, k, v):
    return nn.functional.scaled_dot_product_attention(q, k, v)


def seconds(function, repeats=20):
    probe = torch.zeros(8, 4, 128, 32)
    start = time.perf_counter()
    for _ in range(repeats):
        function(probe, probe, probe)
    return (time.perf_counter() - start) / repeats


def fastest():
    return min((attend_math, attend_fused), key=seconds)


class Block(nn.Module):
    def __init__(self, dim, heads, attend):
        super().__init__()
        self.heads = heads
        self.attend = attend
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x):
        parts = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = self.attend(*parts).transpose(1, 2).flatten(2)
        return x + self.out(mixed)


if __name__ == "__main__":
    torch.manual_seed(0)
    block = Block(128, 4, fastest())
    series = torch.load("series.pt")
    optimizer = torch.optim.Adam(block.parameters(), lr=1e-3)
    for window in series.unfold(0, 65, 64):
        loss = (block(window[None, :, :-1].mT)[:, -1] - window[None, :, -1]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.save(block.state_dict(), "block.pt")
