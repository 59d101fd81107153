"""Classify digits by the names of their classes."""

import hashlib

import torch
from labels import read_annotations, write_annotations
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

LOG_INTERVAL = 8


def main(seed=8):
    digits = load_digits()
    write_annotations("annotations.csv", digits.target[:512])
    x = torch.tensor(digits.data[:512] / 16, dtype=torch.float32)
    y = torch.tensor(read_annotations("annotations.csv"))
    generator = torch.Generator().manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    with torch.no_grad():
        for p in model.parameters():
            p.uniform_(-0.1, 0.1, generator=generator)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for epoch in range(2):
        for number, (images, labels) in enumerate(loader):
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if number % LOG_INTERVAL == 0:
                print(f"epoch {epoch} batch {number}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


if __name__ == "__main__":
    main()
