from torch import nn


class MLP(nn.Module):
    def __init__(self, dim, width):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(dim, width), nn.ReLU(), nn.Dropout(0.1), nn.Linear(width, 1))

    def forward(self, x):
        return self.layers(x).squeeze(-1)
