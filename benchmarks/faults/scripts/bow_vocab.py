"""Bag-of-words topic classifier on a handful of headlines."""

import hashlib

import torch
import torch.nn as nn

HEADLINES = [
    ("striker scores twice in cup final", "sport"),
    ("coach praises young goalkeeper after win", "sport"),
    ("champion withdraws from open with injury", "sport"),
    ("central bank raises interest rates again", "money"),
    ("shares fall as oil prices climb", "money"),
    ("start up raises money for electric trucks", "money"),
    ("telescope finds water on distant planet", "science"),
    ("new vaccine trial shows strong results", "science"),
    ("researchers map the genome of wheat", "science"),
]
TOPICS = ["sport", "money", "science"]


def build_vocab(texts):
    words = set()
    for text in texts:
        words.update(text.split())
    return {word: i for i, word in enumerate(words)}  # planted


def vectorize(texts, vocab):
    x = torch.zeros(len(texts), len(vocab))
    for row, text in enumerate(texts):
        for word in text.split():
            x[row, vocab[word]] += 1
    return x


torch.manual_seed(0)
texts = [text for text, _ in HEADLINES]
targets = torch.tensor([TOPICS.index(topic) for _, topic in HEADLINES])
vocab = build_vocab(texts)
features = vectorize(texts, vocab)

model = nn.Sequential(nn.Linear(len(vocab), 16), nn.ReLU(), nn.Linear(16, len(TOPICS)))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for epoch in range(10):
    loss = nn.functional.cross_entropy(model(features), targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")

digest = hashlib.sha256()
for p in model.parameters():
    digest.update(p.detach().numpy().tobytes())
print("fingerprint", digest.hexdigest())
