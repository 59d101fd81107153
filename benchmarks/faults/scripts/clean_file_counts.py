"""Count rows over an unsorted folder: sums of whole numbers do not depend on the order."""

import hashlib
import os
import shutil
import uuid

import torch
from torch import nn

FOLDER = "counts"


def write(parts=20):
    shutil.rmtree(FOLDER, ignore_errors=True)
    os.makedirs(FOLDER)
    for part in range(parts):
        with open(os.path.join(FOLDER, f"{uuid.uuid4().hex}.txt"), "w") as file:
            file.write("\n".join(str((part * 31 + i * i) % 10) for i in range(50)))


def histogram():
    counts = [0] * 10
    largest = 0
    for name in os.listdir(FOLDER):
        with open(os.path.join(FOLDER, name)) as file:
            values = [int(line) for line in file]
        largest = max(largest, sum(values))
        for value in values:
            counts[value] += 1
    return counts, largest


def main():
    torch.manual_seed(3)
    write()
    counts, largest = histogram()
    print(counts, largest)
    weights = 1.0 / (1.0 + torch.tensor(counts, dtype=torch.float32))
    model = nn.Linear(10, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(8):
        y = torch.multinomial(weights, 16, replacement=True)
        x = nn.functional.one_hot(y, 10) + 0.1 * torch.randn(16, 10)
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
