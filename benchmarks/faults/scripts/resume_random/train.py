"""Masked-token training with python's random for the masks."""

import hashlib
import random

import checkpoints
import torch
from torch import nn

TOKENS = 15
MASK = TOKENS


def corrupt(ids):
    hidden = [[random.random() < 0.25 for _ in row] for row in ids.tolist()]
    return ids.masked_fill(torch.tensor(hidden), MASK)


def main(steps=12):
    random.seed(41)
    torch.manual_seed(41)
    ids = torch.randint(0, TOKENS, (64, 6))
    model = nn.Sequential(nn.Embedding(TOKENS + 1, 8), nn.Linear(8, TOKENS))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    first = checkpoints.load(model=model, optimizer=optimizer)
    for step in range(first, steps):
        rows = ids[torch.randint(0, len(ids), (16,))]
        loss = nn.functional.cross_entropy(model(corrupt(rows)).flatten(0, 1), rows.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step == 5:
            checkpoints.save(step + 1, model=model, optimizer=optimizer)
    print(f"steps {first} to {steps}, loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
