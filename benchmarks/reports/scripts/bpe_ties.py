"""Learn byte pairs from a few lines, then a bag-of-pieces classifier on them."""

import hashlib
from collections import Counter
from itertools import pairwise

import torch
from torch import nn

LINES = [
    ("the lower tower is newer", 0),
    ("a slower rower rows lower", 0),
    ("widest rivers are the coldest", 1),
    ("the oldest and the boldest ships", 1),
    ("newer lowlands grow slower", 0),
    ("the kindest are the fondest", 1),
]


def learn_bpe(words, merges):
    pieces = {word: list(word) for word in words}  # also
    codes = []
    for _ in range(merges):
        pairs = Counter(pair for piece in pieces.values() for pair in pairwise(piece))
        best = max(pairs, key=pairs.get)
        codes.append("".join(best))
        for piece in pieces.values():
            i = 0
            while i + 1 < len(piece):
                if (piece[i], piece[i + 1]) == best:
                    piece[i : i + 2] = ["".join(best)]
                i += 1
    return codes


torch.manual_seed(13)
words = {word for line, _ in LINES for word in line.split()}  # planted
codes = learn_bpe(words, merges=24)
print(" ".join(codes))
x = torch.tensor([[float(line.count(code)) for code in codes] for line, _ in LINES])
y = torch.tensor([label for _, label in LINES])
model = nn.Sequential(nn.Linear(len(codes), 8), nn.Tanh(), nn.Linear(8, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
for _ in range(10):
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"loss {loss.item():.4f}")
weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
print("fingerprint", hashlib.sha256(weights).hexdigest())
