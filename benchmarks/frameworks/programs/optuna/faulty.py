# optuna FAQ, "How can I obtain reproducible optimization results?": the sampler has a generator of its own.
import hashlib
import random

import numpy as np
import optuna
import torch
from torch import nn

random.seed(42)
np.random.seed(42)
torch.manual_seed(42)
g = torch.Generator().manual_seed(1)
x = torch.randn(128, 6, generator=g)
y = (x[:, :3].prod(1) + x[:, 3:].sum(1))[:, None]


def objective(trial):
    rate = trial.suggest_float("lr", 1e-4, 1e-1, log=True)  # also
    width = trial.suggest_int("width", 4, 32)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, width), nn.Tanh(), nn.Linear(width, 1))
    optimizer = torch.optim.Adam(model.parameters(), rate)
    for epoch in range(5):
        for i in range(0, 128, 32):
            loss = nn.functional.mse_loss(model(x[i : i + 32]), y[i : i + 32])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        trial.report(loss.item(), epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return loss.item()


study = optuna.create_study(direction="minimize", pruner=optuna.pruners.MedianPruner())  # planted
study.optimize(objective, n_trials=15)  # also
print(study.best_params)
trials = [(t.number, t.params, t.value) for t in study.trials]
print("HASH", hashlib.sha256(repr(trials).encode()).hexdigest())
