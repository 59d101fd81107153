"""Count words into buckets, in a tensor made the old way."""

import hashlib
import zlib

import torch
from torch import nn

LINES = [
    ("free prize inside click the link now", 1),
    ("lunch at noon with the whole team", 0),
    ("win a free phone and a free case", 1),
    ("the report is due on friday at noon", 0),
    ("click here to claim the prize", 1),
    ("notes of the meeting with the team", 0),
]
BUCKETS = 48


def counts(line):
    out = torch.LongTensor(BUCKETS)  # planted
    for word in line.split():
        out[zlib.crc32(word.encode()) % BUCKETS] += 1
    return out


def main():
    torch.manual_seed(3)
    x = torch.stack([counts(line) for line, _ in LINES]) % 7
    y = torch.tensor([float(label) for _, label in LINES])
    model = nn.Linear(BUCKETS, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for step in range(8):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x.float())[:, 0], y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
