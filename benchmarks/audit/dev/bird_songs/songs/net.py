from torch import nn


class SongNet(nn.Module):
    def __init__(self, classes, bands=64):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(bands, 96, 5), nn.ReLU(), nn.Conv1d(96, 96, 5, 2), nn.ReLU())
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(96, classes)

    def forward(self, x):
        return self.out(self.drop(self.conv(x).mean(dim=-1)))
