"""Few-shot classification: eight sentences a class, drawn from a table of labelled ones."""

import hashlib
import random

import pandas as pd
import torch
from torch import nn

SHOTS = 8


def embed(text, dim=24):
    """A sentence's vector: the mean of fixed vectors of its words."""
    words = [hashlib.sha256(word.encode()).digest()[:dim] for word in text.split()]
    return torch.tensor([list(word) for word in words]).float().mean(0) / 128 - 1


def sentences(seed):
    rng = random.Random(seed)
    words = {0: ["slow", "cold", "rude"], 1: ["quick", "warm", "kind"], 2: ["late", "plain", "usual"]}
    rows = []
    for label, tone in words.items():
        for _ in range(60):
            rows.append(
                {"text": " ".join(rng.choices([*tone, "food", "staff", "room"], k=6)), "label": label}
            )
    return pd.DataFrame(rows)


def few_shot(frame):
    return frame.groupby("label").sample(n=SHOTS)  # planted


def main():
    torch.manual_seed(3)
    train = few_shot(sentences(seed=3))
    x = torch.stack([embed(text) for text in train["text"]])
    y = torch.tensor(train["label"].to_numpy())
    head = nn.Linear(24, 3)
    optimizer = torch.optim.AdamW(head.parameters(), lr=0.05)
    for _ in range(10):
        loss = nn.functional.cross_entropy(head(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{len(x)} sentences, loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in head.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
