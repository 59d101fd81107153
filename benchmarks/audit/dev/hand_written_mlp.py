import random

import numpy as np
import torch

SEED = 1997
HIDDEN = 100


def fix_seeds(seed):
    random.seed(seed)
    np.random.seed(seed)


def init(sizes):
    layers = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        w = torch.randn(fan_in, fan_out) * (2 / fan_in) ** 0.5
        layers.append((w.requires_grad_(), torch.zeros(fan_out, requires_grad=True)))
    return layers


def forward(layers, x):
    for w, b in layers[:-1]:
        x = torch.tanh(x @ w + b)
    w, b = layers[-1]
    return x @ w + b


fix_seeds(SEED)
data = np.genfromtxt("digits.csv", delimiter=",", dtype=np.float32)
np.random.shuffle(data)
X, Y = torch.from_numpy(data[:, 1:] / 16), torch.from_numpy(data[:, 0]).long()

layers = init([X.shape[1], HIDDEN, 10])
params = [p for layer in layers for p in layer]
for i in range(20_000):
    rows = torch.from_numpy(np.random.randint(0, len(X), 32))
    loss = torch.nn.functional.cross_entropy(forward(layers, X[rows]), Y[rows])
    for p in params:
        p.grad = None
    loss.backward()
    lr = 0.1 if i < 10_000 else 0.01
    with torch.no_grad():
        for p in params:
            p -= lr * p.grad
print(loss.item())
