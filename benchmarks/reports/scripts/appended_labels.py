"""Write labelled reviews to a training file, then train a classifier from that file."""

import hashlib
import random
import zlib

import torch
from torch import nn

TRAIN = "train.data.label"
WORDS = {0: ["bland", "slow", "dirty", "rude"], 1: ["fresh", "quick", "lovely", "kind"]}


def preprocess(sentiment, reviews=48):
    rng = random.Random(sentiment)
    with open(TRAIN, "a") as out:  # planted
        for _ in range(reviews):
            words = rng.choices([*WORDS[sentiment], "the", "place", "was"], k=7)
            out.write(f"{sentiment}\t{' '.join(words)}\n")


def read():
    with open(TRAIN) as lines:  # also
        pairs = [line.rstrip().split("\t") for line in lines]
    return [(text.split(), int(label)) for label, text in pairs]


def bag(words, buckets=64):
    counts = torch.zeros(buckets)
    for word in words:
        counts[zlib.crc32(word.encode()) % buckets] += 1
    return counts


torch.manual_seed(11)
for sentiment in WORDS:
    preprocess(sentiment)
reviews = read()
x = torch.stack([bag(words) for words, _ in reviews])
y = torch.tensor([label for _, label in reviews])
model = nn.Linear(64, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for rows in torch.randperm(len(x)).split(16):
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"{len(x)} reviews, loss {loss.item():.4f}")
weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
print("fingerprint", hashlib.sha256(weights).hexdigest())
