"""Click prediction with hashed features and an embedding bag."""

import hashlib
import random

import torch
import torch.nn as nn
from features import HashedFeatures

COUNTRIES = ["de", "fr", "it", "jp", "us", "br"]
DEVICES = ["phone", "tablet", "desktop"]
SITES = [f"site{i}" for i in range(20)]


def make_rows(n, rng):
    rows = []
    for _ in range(n):
        rows.append(
            {
                "country": rng.choice(COUNTRIES),
                "device": rng.choice(DEVICES),
                "site": rng.choice(SITES),
            }
        )
    clicks = [float(r["device"] == "phone") * 0.8 + 0.1 > rng.random() for r in rows]
    return rows, torch.tensor(clicks, dtype=torch.float32)


def main():
    rng = random.Random(17)
    torch.manual_seed(17)
    rows, clicks = make_rows(400, rng)
    encode = HashedFeatures(buckets=64)
    x = encode(rows)
    model = nn.Sequential(nn.EmbeddingBag(64, 8, mode="mean"), nn.Linear(8, 1))
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
    for step in range(8):
        batch = slice(step * 50, step * 50 + 50)
        logits = model(x[batch]).squeeze(1)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, clicks[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step}: {loss.item():.4f}")
    state = b"".join(v.numpy().tobytes() for v in model.state_dict().values())
    print("fingerprint", hashlib.sha256(state).hexdigest())


if __name__ == "__main__":
    main()
