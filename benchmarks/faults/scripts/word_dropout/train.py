"""Sentiment classifier with word dropout."""

import hashlib
import random

import torch
import torch.nn as nn
from textkit import Vocabulary, WordDropout

POSITIVE = ["a warm and funny film", "great acting and a lovely story", "i loved every minute"]
NEGATIVE = ["a dull and lazy film", "bad acting and a silly story", "i hated every minute"]


class BagClassifier(nn.Module):
    def __init__(self, n_words, dim=16):
        super().__init__()
        self.embed = nn.Embedding(n_words, dim, padding_idx=0)
        self.out = nn.Linear(dim, 2)

    def forward(self, ids):
        return self.out(self.embed(ids).mean(dim=1))


def set_seed(seed):
    random.seed(seed)
    torch.manual_seed(seed)


def train(steps=12):
    sentences = [s.split() for s in POSITIVE + NEGATIVE]
    labels = torch.tensor([1] * len(POSITIVE) + [0] * len(NEGATIVE))
    vocab = Vocabulary(sentences)
    dropout = WordDropout(rate=0.25)
    model = BagClassifier(len(vocab))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    loss_fn = nn.CrossEntropyLoss()
    for step in range(steps):
        ids = torch.tensor([vocab.encode(dropout(s), 8) for s in sentences])
        loss = loss_fn(model(ids), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"{step:3d} {loss.item():.4f}")
    return model


if __name__ == "__main__":
    set_seed(1234)
    model = train()
    h = hashlib.md5()
    for value in model.state_dict().values():
        h.update(value.numpy().tobytes())
    print("fingerprint", h.hexdigest())
