"""Train on a stream of samples."""

import hashlib
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent / "vendor" / "site-packages"))

from streamkit import Stream


def samples(n=144):
    for _ in range(n):
        x = torch.randn(7)
        yield x, (x.max() > 1.5).float()


def main():
    torch.manual_seed(26)
    stream = Stream(list(samples())).shuffle(buffer=40)  # planted
    model = nn.Sequential(nn.Linear(7, 14), nn.ReLU(), nn.Linear(14, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for batch in stream.batch(16):
        x = torch.stack([row[0] for row in batch])
        y = torch.stack([row[1] for row in batch])
        loss = nn.functional.binary_cross_entropy_with_logits(model(x)[:, 0], y)
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
