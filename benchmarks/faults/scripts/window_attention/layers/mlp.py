from torch import nn


class Mlp(nn.Sequential):
    def __init__(self, dim, ratio=2):
        super().__init__(nn.Linear(dim, dim * ratio), nn.GELU(), nn.Linear(dim * ratio, dim))
