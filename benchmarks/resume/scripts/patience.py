"""Stop where the loss on held-out rows has not fallen by 0.2 within four epochs."""

import hashlib
import os
import time

import torch
from sklearn.datasets import load_digits
from torch import nn

CHECKPOINT = "stopper.pt"


class EarlyStopping:
    def __init__(self, patience, min_delta):
        self.patience, self.min_delta = patience, min_delta
        self.best, self.bad = float("inf"), 0

    def should_stop(self, value):
        if value < self.best - self.min_delta:
            self.best, self.bad = value, 0
        else:
            self.bad += 1
        return self.bad >= self.patience


def main():
    torch.manual_seed(102)
    digits = load_digits()
    x = torch.tensor(digits.data[:200] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target[:200])
    train, held_out = slice(0, 100), slice(100, 200)
    model = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    stopping = EarlyStopping(patience=4, min_delta=0.2)
    first = 0
    if os.path.exists(CHECKPOINT):
        saved = torch.load(CHECKPOINT)  # loaded
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        first = saved["epoch"]

    for epoch in range(first, 40):
        for rows in torch.arange(100)[train].split(25):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            time.sleep(0.05)
        with torch.no_grad():
            value = nn.functional.cross_entropy(model(x[held_out]), y[held_out]).item()
        print(f"epoch {epoch}: {value:.4f}")
        if stopping.should_stop(value):
            print("no better for", stopping.patience, "epochs")
            break
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save({**state, "epoch": epoch + 1}, CHECKPOINT)  # saved

    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
