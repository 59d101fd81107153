import time

import torch
from torch import nn


def fit(model, data, lr, minutes):
    opt = torch.optim.SGD(model.parameters(), lr=lr)
    start = time.monotonic()
    while time.monotonic() - start < 60 * minutes:
        total = 0.0
        for k in torch.randperm(len(data)).tolist():
            ids, tags = data[k]
            loss = nn.functional.cross_entropy(model(ids), tags)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        print(total / len(data))
