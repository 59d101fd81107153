"""Draw example pictures for the report unless they are there already."""

import hashlib
import random
from pathlib import Path

import torch
import torch.nn as nn
from sklearn.datasets import load_digits

REPORT = Path("examples.txt")


def write_examples(images, labels, count=5):
    rows = random.sample(range(len(labels)), count)  # planted
    lines = [f"{labels[r].item()}: {images[r].sum().item():.1f}" for r in rows]
    REPORT.write_text("\n".join(lines))


def main():
    random.seed(10)
    torch.manual_seed(10)
    digits = load_digits()
    images = torch.tensor(digits.data[:200] / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target[:200])
    if not REPORT.exists():
        write_examples(images, labels)  # also
    model = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    order = list(range(200))
    for epoch in range(2):
        random.shuffle(order)
        for start in range(0, 200, 40):
            rows = order[start : start + 40]
            loss = nn.functional.cross_entropy(model(images[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
