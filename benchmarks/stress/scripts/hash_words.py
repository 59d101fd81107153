"""Word features without a dictionary: a word's bucket is its hash."""

import hashlib

import numpy as np
import torch
from torch import nn

BUCKETS = 97
WORDS = [
    "red",
    "green",
    "blue",
    "warm",
    "cold",
    "big",
    "small",
    "round",
    "flat",
    "old",
    "new",
    "soft",
    "hard",
]


def documents(count=256):
    rng = np.random.default_rng(12)
    texts = [" ".join(rng.choice(WORDS, 6)) for _ in range(count)]
    return texts, torch.tensor([[text.count("o") / 6] for text in texts])


def bucket(word):
    return hash(word) % BUCKETS  # planted


def features(texts):
    table = torch.zeros(len(texts), BUCKETS)
    for row, text in enumerate(texts):
        for word in text.split():
            table[row, bucket(word)] += 1  # also
    return table


def main():
    texts, y = documents()
    x = features(texts)
    model = nn.Linear(BUCKETS, 1)
    with torch.no_grad():
        model.weight.copy_(torch.linspace(-0.1, 0.1, BUCKETS))
        model.bias.zero_()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for step in range(32):
        rows = slice(step % 8 * 32, step % 8 * 32 + 32)
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
