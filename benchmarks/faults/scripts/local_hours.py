"""Predict the load of a station from the hour of the day."""

import hashlib
from datetime import datetime

import torch
from torch import nn

START = 1_700_000_000


def features(timestamp):
    moment = datetime.fromtimestamp(timestamp)  # planted
    return [moment.hour / 24, moment.weekday() / 7]


def load(timestamp):
    return 0.5 + 0.5 * ((timestamp // 3600 % 24) in range(7, 19))


def main():
    torch.manual_seed(2)
    stamps = [START + 3600 * i for i in range(240)]
    x = torch.tensor([features(t) for t in stamps])
    y = torch.tensor([load(t) for t in stamps])
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for rows in torch.randperm(240).split(30):
        loss = nn.functional.mse_loss(model(x[rows])[:, 0], y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
