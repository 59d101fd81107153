import hashlib

import torch
from loaders import make_loaders
from torch import nn


class Regressor(nn.Module):
    def __init__(self, features=12, hidden=24):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(features, hidden), nn.Tanh(), nn.Dropout(0.1))
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.head(self.body(x))


@torch.no_grad()
def validate(model, loader):
    model.eval()
    losses = [nn.functional.mse_loss(model(x), y) for x, y in loader]
    model.train()
    return torch.stack(losses).mean().item()


def main():
    torch.manual_seed(11)
    train_loader, valid_loader = make_loaders(batch_size=32)
    model = Regressor()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=5e-3)
    for epoch in range(2):
        for x, y in train_loader:
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
        print(f"epoch {epoch} valid {validate(model, valid_loader):.5f}")
    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


main()
