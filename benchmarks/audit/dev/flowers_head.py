import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load(path):
    blob = torch.load(path)
    return TensorDataset(blob["features"], blob["labels"])


def accuracy(model, loader):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for x, y in loader:
            right += (model(x).argmax(1) == y).sum().item()
            total += len(y)
    return right / total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    order = torch.Generator().manual_seed(args.seed)
    train_loader = DataLoader(load("flowers_train.pt"), batch_size=32, shuffle=True, generator=order)
    val_loader = DataLoader(load("flowers_val.pt"), batch_size=64, shuffle=True)

    model = nn.Sequential(nn.Linear(2048, 256), nn.ReLU(), nn.Dropout(0.5), nn.Linear(256, 102))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for epoch in range(args.epochs):
        model.train()
        for x, y in train_loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} accuracy {accuracy(model, val_loader):.3f}")
    torch.save(model.state_dict(), "flowers.pt")


if __name__ == "__main__":
    main()
