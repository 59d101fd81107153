# ruff: noqa: F401
import torch
from torch import nn

torch.manual_seed(0)
x = torch.rand(100, 3)
y = (x * torch.tensor([1.0, -2.0, 0.5])).sum(1, keepdim=True)
