"""Tune a speech detector's learning rate and width with Optuna, then train the best one."""

import hashlib

import optuna
import torch
from torch import nn

optuna.logging.set_verbosity(optuna.logging.WARNING)


def train(lr, width, steps):
    torch.manual_seed(0)
    x = torch.randn(128, 8)
    y = (x[:, :3].sum(1) > 0).float()
    model = nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(steps):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x)[:, 0], y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model, loss.item()


def objective(trial):
    lr = trial.suggest_float("lr", 1e-3, 1.0, log=True)
    width = trial.suggest_int("width", 4, 32)
    return train(lr, width, steps=5)[1]


class Tuner:
    def __init__(self, sampler="TPESampler"):
        self.sampler = getattr(optuna.samplers, sampler)()  # planted

    def tune(self, trials):
        study = optuna.create_study(sampler=self.sampler, direction="minimize")
        study.optimize(objective, n_trials=trials)
        return study.best_params


best = Tuner().tune(trials=6)
model, loss = train(best["lr"], best["width"], steps=10)
print(f"best {best}, loss {loss:.4f}")
weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
print("fingerprint", hashlib.sha256(weights).hexdigest())
