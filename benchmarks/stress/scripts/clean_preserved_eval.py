"""Evaluation by random crops and a sampling loader, inside a scope that puts every generator back."""

import hashlib
import random

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from samebits import Streams, preserved, seed_everything

EVAL_INTERVAL = 7


@torch.no_grad()
def evaluate(model, dataset):
    with preserved():
        model.eval()
        loader = DataLoader(dataset, 20, sampler=RandomSampler(dataset, num_samples=60), num_workers=1)
        hits = 0
        for x, y in loader:
            x = x * (torch.rand_like(x) > 0.05) * np.random.uniform(0.9, 1.1) + random.gauss(0, 0.01)
            hits += (model(x.float()).argmax(1) == y).sum().item()
        model.train()
    return hits / 60


def main(seed=70):
    seed_everything(seed)
    streams = Streams(seed)
    digits = load_digits()
    x = torch.tensor(digits.data[:600] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target[:600])
    held_out = TensorDataset(x[500:], y[500:])
    model = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10))
    rng = streams.numpy("weights")
    for p in model.parameters():
        p.data.copy_(torch.from_numpy(rng.uniform(-0.2, 0.2, tuple(p.shape))))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for step in range(28):
        rows = torch.from_numpy(streams.numpy("order").integers(0, 500, 32))
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % EVAL_INTERVAL == 0:
            print(f"step {step}: loss {loss.item():.4f}, accuracy {evaluate(model, held_out):.3f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


if __name__ == "__main__":
    main()
