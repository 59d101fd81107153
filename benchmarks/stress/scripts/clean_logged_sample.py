"""A language model of letters that shows what it read, by a generator for the log."""

import hashlib
import random

import numpy as np
import torch
from torch import nn

LOG_INTERVAL = 8
LETTERS = "abcdefgh "


class Bigrams(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(len(LETTERS), 12)
        self.head = nn.Linear(12, len(LETTERS))

    def forward(self, tokens):
        return self.head(torch.tanh(self.table(tokens)))


def main(seed=15):
    random.seed(seed)
    order, shown = random.Random(f"{seed}/order"), random.Random(f"{seed}/log")
    rng = np.random.default_rng(6)
    texts = torch.from_numpy(rng.integers(1, 3, size=(200, 16)).cumsum(1) % len(LETTERS))
    model = Bigrams()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.from_numpy(rng.normal(0, 0.3, tuple(p.shape))))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for step in range(32):
        batch = texts[order.sample(range(len(texts)), 16)]
        loss = nn.functional.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % LOG_INTERVAL == 0:
            text = "".join(LETTERS[i] for i in texts[shown.randrange(len(texts))])
            print(f"step {step}: loss {loss.item():.4f}, e.g. {text!r}, mood {random.random():.2f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
