"""Reduce the digits with a scikit-learn pipeline and learn on what it returns."""

import hashlib

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.random_projection import SparseRandomProjection
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def preprocess(x):
    pipeline = make_pipeline(
        StandardScaler(),
        SparseRandomProjection(n_components=16),  # planted
    )
    return pipeline.fit_transform(x).astype(np.float32)  # also


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(16, 24)
        self.out = nn.Linear(24, 10)

    def forward(self, x):
        return self.out(torch.tanh(self.hidden(x)))


if __name__ == "__main__":
    torch.manual_seed(3)
    digits = load_digits()
    data = TensorDataset(torch.from_numpy(preprocess(digits.data[:320])), torch.tensor(digits.target[:320]))
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for x, y in DataLoader(data, batch_size=32, shuffle=True):
        loss = nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}")
    sha = hashlib.sha256()
    for p in net.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())
