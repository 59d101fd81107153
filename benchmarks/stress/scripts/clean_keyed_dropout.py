"""Dropout whose mask is a function of step and row, so that neither draws nor parts of a batch move it."""

import hashlib

import torch
from sklearn.datasets import load_digits
from torch import nn

from samebits import Streams
from samebits.random import bernoulli, permutation

LOG_INTERVAL = 8
EVAL_INTERVAL = 16


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(64, 48)
        self.norm = nn.LayerNorm(48)
        self.out = nn.Linear(48, 10)

    def forward(self, x, kept):
        return self.out(torch.relu(self.norm(self.hidden(x))) * kept / 0.7)


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    hits = (model(x, torch.full((len(x), 48), 0.7)).argmax(1) == y).float().mean().item()
    model.train()
    return hits


def main(seed=18):
    streams = Streams(seed)
    digits = load_digits()
    x = torch.tensor(digits.data[:740] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target[:740])
    model = Net()
    for layer in (model.hidden, model.out):
        nn.init.xavier_uniform_(layer.weight, generator=streams.torch("weights"))
        nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(32):
        epoch, number = divmod(step, 20)
        rows = permutation(streams.key("order").child(epoch), 640)[number * 32 : number * 32 + 32]
        kept = bernoulli(streams.key("dropout").child(step), 32, 48, p=0.7).float()
        loss = nn.functional.cross_entropy(model(x[rows], kept), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % LOG_INTERVAL == 0:
            print(f"step {step}: loss {loss.item():.4f}")
        if step % EVAL_INTERVAL == EVAL_INTERVAL - 1:
            print(f"step {step}: accuracy {accuracy(model, x[640:], y[640:]):.3f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
