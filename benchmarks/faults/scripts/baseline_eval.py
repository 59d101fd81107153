"""Fine-tune a classifier and compare it with the best model so far, when there is one."""

import copy
import hashlib
import os

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

BEST = "best.pt"


def build_loaders(seed):
    digits = load_digits()
    x = torch.tensor(digits.data[:400] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target[:400])
    split = torch.Generator().manual_seed(seed)
    train, valid = random_split(TensorDataset(x, y), [320, 80], generator=split)
    return DataLoader(train, batch_size=64, shuffle=True), DataLoader(valid, batch_size=40)


def accuracy(model, loader):
    model.eval()
    hits = 0
    with torch.no_grad():
        for x, y in loader:  # planted
            hits += (model(x).argmax(1) == y).sum().item()
    model.train()
    return hits / len(loader.dataset)


def train_epoch(model, loader, optimizer):
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()


def main(seed=3):
    torch.manual_seed(seed)
    train_loader, valid_loader = build_loaders(seed)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

    if os.path.exists(BEST):
        best = copy.deepcopy(model)
        best.load_state_dict(torch.load(BEST))
        print(f"to beat: {accuracy(best, valid_loader):.3f}")  # also

    for _ in range(2):
        train_epoch(model, train_loader, optimizer)
    print(f"now: {accuracy(model, valid_loader):.3f}")
    torch.save(model.state_dict(), BEST)

    digest = hashlib.sha256()
    for value in model.state_dict().values():
        digest.update(value.numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
