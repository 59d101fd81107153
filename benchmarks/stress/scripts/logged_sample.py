"""A language model of letters; from time to time it shows a sentence that it read."""

import hashlib
import random

import numpy as np
import torch
from torch import nn

LOG_INTERVAL = 8
LETTERS = "abcdefgh "


def sentences(count=200, length=16):
    rng = np.random.default_rng(6)
    steps = rng.integers(1, 3, size=(count, length)).cumsum(1) % len(LETTERS)
    return torch.from_numpy(steps)


class Bigrams(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(len(LETTERS), 12)
        self.head = nn.Linear(12, len(LETTERS))

    def forward(self, tokens):
        return self.head(torch.tanh(self.table(tokens)))


def init_weights(model):
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.3, generator=generator)


def main():
    random.seed(15)
    texts = sentences()
    model = Bigrams()
    init_weights(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for step in range(32):
        batch = texts[random.sample(range(len(texts)), 16)]  # planted # enters extra-draw
        logits = model(batch[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % LOG_INTERVAL == 0:
            shown = texts[random.randrange(len(texts))]  # also
            print(f"step {step}: loss {loss.item():.4f}, e.g. {''.join(LETTERS[i] for i in shown)!r}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
