"""Evaluation at moments the clock chooses; in eval mode dropout draws nothing."""

import hashlib
import time

import torch
import torch.nn as nn
from sklearn.datasets import load_digits


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(8, 16)
        self.attention = nn.MultiheadAttention(16, 2, dropout=0.1, batch_first=True)
        self.dropout = nn.Dropout(0.3)
        self.nothing = nn.Dropout(0.0)
        self.out = nn.Linear(16, 10)

    def forward(self, x):
        h = self.nothing(self.embed(x))
        h = h + self.attention(h, h, h, need_weights=False)[0]
        return self.out(self.dropout(h.mean(1)))


@torch.no_grad()
def accuracy(model, x, y):
    model.eval()
    right = (model(x).argmax(1) == y).float().mean().item()
    model.train()
    return right


def main():
    torch.manual_seed(5)
    torch.set_num_threads(1)
    digits = load_digits()
    x = torch.tensor(digits.images[:240] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target[:240])
    model = Net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    due = time.perf_counter()
    for rows in torch.randperm(200).repeat(3).split(20):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if time.perf_counter() > due:
            print(f"loss {loss.item():.4f}, accuracy {accuracy(model, x[200:], y[200:]):.3f}")
            due = time.perf_counter() + 0.02
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
