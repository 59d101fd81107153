"""Train a reader on prompts: each question comes with two demonstrations drawn for it."""

import hashlib
import random
import zlib

import torch
from torch import nn

DEMOS = [f"demo {number} about {topic}" for number in range(12) for topic in ("tax", "law", "tea", "sea")]
QUESTIONS = [
    (f"question {number} on {topic}", label) for number in range(16) for label, topic in enumerate("ab")
]
BUCKETS = 64


def prompt(question, shots=2):
    """The question behind its demonstrations; the same question always gets the same ones."""
    order = random.Random(abs(hash(question)) % 2**31)  # planted
    return [*order.sample(DEMOS, shots), question]


def encode(texts):
    counts = torch.zeros(BUCKETS)
    for place, text in enumerate(texts, 1):
        for word in text.split():
            counts[zlib.crc32(word.encode()) % BUCKETS] += place
    return counts


def main():
    torch.manual_seed(9)
    x = torch.stack([encode(prompt(question)) for question, _ in QUESTIONS])
    y = torch.tensor([label for _, label in QUESTIONS])
    model = nn.Sequential(nn.Linear(BUCKETS, 16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(3):
        for rows in torch.randperm(len(x)).split(8):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
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
