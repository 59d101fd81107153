"""The learning rate falls when validation has not become better, and validation is what tells it."""

import hashlib

import torch
from sklearn.datasets import load_diabetes
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

EVAL_INTERVAL = 4


class Validation:
    def __init__(self, x, y, scheduler):
        self.x, self.y, self.scheduler = x, y, scheduler

    @torch.no_grad()
    def validate(self, model):
        model.eval()
        loss = nn.functional.mse_loss(model(self.x), self.y).item()
        self.scheduler.step(loss)  # planted
        model.train()
        return loss


def main(seed=57):
    table = load_diabetes()
    x = torch.tensor(table.data * 20, dtype=torch.float32)
    y = torch.tensor((table.target - 150) / 75, dtype=torch.float32)[:, None]
    model = nn.Sequential(nn.Linear(10, 16), nn.Tanh(), nn.Linear(16, 1))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(0, 0.4, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=0, threshold=0.2)
    validation = Validation(x[360:], y[360:], scheduler)
    for step in range(36):
        rows = torch.arange(step * 24, step * 24 + 24) % 360
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()  # also
        if (step + 1) % EVAL_INTERVAL == 0:
            print(f"step {step}: validation {validation.validate(model):.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
