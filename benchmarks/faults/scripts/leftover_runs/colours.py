"""A colour for every stored run, for the comparison chart."""

import torch


def colours(count):
    return torch.rand(count, 3)  # planted
