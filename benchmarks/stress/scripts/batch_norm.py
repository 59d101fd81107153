"""A small convolutional network with batch normalisation."""

import hashlib

import torch
from sklearn.datasets import load_digits
from torch import nn

EVAL_INTERVAL = 10


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3, bias=False)
        self.norm = nn.BatchNorm2d(8)  # planted
        self.head = nn.Linear(8 * 36, 10)

    def forward(self, x):
        return self.head(torch.relu(self.norm(self.conv(x))).flatten(1))  # also


def init_weights(model, seed):
    generator = torch.Generator().manual_seed(seed)
    nn.init.kaiming_uniform_(model.conv.weight, generator=generator)
    nn.init.xavier_uniform_(model.head.weight, generator=generator)
    nn.init.zeros_(model.head.bias)


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    hits = (model(x).argmax(1) == y).float().mean().item()
    model.train()
    return hits


def main(seed=10):
    digits = load_digits()
    x = torch.tensor(digits.images[:700] / 16, dtype=torch.float32)[:, None]
    y = torch.tensor(digits.target[:700])
    model = Net()
    init_weights(model, seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    order = torch.Generator().manual_seed(seed + 1)
    for step in range(30):
        rows = torch.randint(0, 600, (32,), generator=order)
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % EVAL_INTERVAL == EVAL_INTERVAL - 1:
            print(f"step {step}: accuracy {accuracy(model, x[600:], y[600:]):.3f}")
    digest = hashlib.sha256()
    for value in model.state_dict().values():
        digest.update(value.numpy().tobytes())
    print("fingerprint", digest.hexdigest())


main()
