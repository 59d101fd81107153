"""A text classifier; whoever makes a layer before it moves its first weights."""

import hashlib

import numpy as np
import torch
from torch import nn

LOG_INTERVAL = 8


class Classifier(nn.Module):
    def __init__(self, vocabulary=60, classes=4):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, 16)  # planted
        self.rnn = nn.GRU(16, 16, batch_first=True)
        self.head = nn.Linear(16, classes)

    def forward(self, tokens):
        _, last = self.rnn(self.embed(tokens))
        return self.head(last[0])


def sentences(step, count=16, length=12):
    rng = np.random.default_rng([77, step])
    labels = rng.integers(0, 4, count)
    tokens = (rng.integers(0, 15, (count, length)) * 4 + labels[:, None]) % 60
    return torch.from_numpy(tokens), torch.from_numpy(labels)


def main():
    torch.manual_seed(21)
    model = Classifier()  # also
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for step in range(24):
        tokens, labels = sentences(step)
        loss = nn.functional.cross_entropy(model(tokens), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % LOG_INTERVAL == 0:
            print(f"step {step}: loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode() + value.numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
