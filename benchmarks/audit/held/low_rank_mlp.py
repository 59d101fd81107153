import math

import torch
from torch import nn


class LowRankLinear(nn.Module):
    """A linear layer whose matrix is a product of two thin ones."""

    def __init__(self, n_in, n_out, rank):
        super().__init__()
        self.left = nn.Parameter(torch.empty(n_out, rank))
        self.right = nn.Parameter(torch.empty(rank, n_in))
        self.bias = nn.Parameter(torch.empty(n_out))
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.kaiming_uniform_(self.right, a=math.sqrt(5))
        nn.init.orthogonal_(self.left)

    def forward(self, x):
        return nn.functional.linear(nn.functional.linear(x, self.right), self.left, self.bias)


class LowRankMLP(nn.Module):
    def __init__(self, sizes, rank=8):
        super().__init__()
        pairs = zip(sizes[:-1], sizes[1:], strict=True)
        self.layers = nn.ModuleList(LowRankLinear(a, b, rank) for a, b in pairs)

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = layer(x).relu()
        return self.layers[-1](x)
