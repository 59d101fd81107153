"""Classify digits with Gaussian dropout; the log has the accuracy on the batch, by one more forward pass."""

import hashlib

import torch
from sklearn.datasets import load_digits
from torch import nn

LOG_INTERVAL = 8


class GaussianDropout(nn.Module):
    def forward(self, x):
        if not self.training:
            return x
        return x * (1 + 0.4 * torch.randn_like(x))  # planted # enters extra-draw micro-batches


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(64, 45)
        self.drop = GaussianDropout()
        self.out = nn.Linear(45, 10)

    def forward(self, x):
        return self.out(self.drop(torch.relu(self.hidden(x))))


def init_weights(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for layer in (model.hidden, model.out):
        nn.init.xavier_normal_(layer.weight, generator=generator)
        nn.init.zeros_(layer.bias)


def log(model, step, x, y):
    hits = (model(x).argmax(1) == y).float().mean()  # also
    print(f"step {step}: accuracy {hits:.3f}")


def main(seed=18):
    torch.manual_seed(seed)
    digits = load_digits()
    x = torch.tensor(digits.data[:600] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target[:600])
    model = Net()
    init_weights(model, seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    torch.manual_seed(seed + 1)
    for step in range(32):
        rows = slice(step % 20 * 30, step % 20 * 30 + 30)
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % LOG_INTERVAL == 0:
            log(model, step, x[rows], y[rows])
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
