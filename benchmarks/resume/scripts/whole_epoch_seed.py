"""The shuffle of an epoch is seeded by its number, so that nothing of it has to be saved."""

import argparse
import hashlib
import time

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=6)
parser.add_argument("--start-from", metavar="PATH")


def shuffled(data, epoch):
    generator = torch.Generator().manual_seed(10_000 + epoch)
    return DataLoader(data, batch_size=50, shuffle=True, generator=generator)


def main(args):
    torch.manual_seed(207)
    digits = load_digits()
    x = torch.tensor(digits.data[:250] / 16, dtype=torch.float32)
    data = TensorDataset(x, torch.tensor(digits.target[:250]))
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    first = 0
    if args.start_from:
        ckpt = torch.load(args.start_from)  # loaded
        model.load_state_dict(ckpt["model"])
        optimizer.load_state_dict(ckpt["optimizer"])
        first = ckpt["epoch"]
    for epoch in range(first, args.epochs):
        for features, labels in shuffled(data, epoch):
            loss = nn.functional.cross_entropy(model(features), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            time.sleep(0.05)
        ckpt = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch + 1}
        torch.save(ckpt, "epoch_seed.pt")  # saved
    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


main(parser.parse_args())
