import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fc = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))

    def forward(self, x):
        return x + self.fc(self.norm(x))


class DeepNet(nn.Module):
    def __init__(self, dim, depth, drop, classes, seed=1):
        super().__init__()
        self.blocks = nn.ModuleList(Block(dim) for _ in range(depth))
        self.head = nn.Linear(dim, classes)
        self.drop = drop
        self.seed = seed

    def forward(self, x):
        if self.training:
            torch.manual_seed(self.seed)
            keep = torch.rand(len(self.blocks)) >= self.drop
        else:
            keep = torch.ones(len(self.blocks), dtype=torch.bool)
        for block, kept in zip(self.blocks, keep.tolist()):
            if kept:
                x = block(x)
        return self.head(x)


def main():
    torch.manual_seed(1)
    x = torch.randn(4096, 64)
    y = (x[:, :8].sum(dim=1) > 0).long()
    model = DeepNet(64, depth=12, drop=0.2, classes=2)
    opt = torch.optim.AdamW(model.parameters(), lr=3e-4)
    for _ in range(5):
        for rows in torch.arange(len(x)).split(128):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()
    print(loss.item())


if __name__ == "__main__":
    main()
