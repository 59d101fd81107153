# The objective's loader has two workers, and trials run one after the other.
import hashlib

import optuna
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

g = torch.Generator().manual_seed(1)
x = torch.randn(128, 6, generator=g)
y = (x[:, :3].prod(1) + x[:, 3:].sum(1))[:, None]


def objective(trial):
    rate = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
    width = trial.suggest_int("width", 4, 32)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, width), nn.Tanh(), nn.Linear(width, 1))
    optimizer = torch.optim.Adam(model.parameters(), rate)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True, num_workers=2)
    for batch, target in loader:
        loss = nn.functional.mse_loss(model(batch), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


if __name__ == "__main__":
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=42))
    study.optimize(objective, n_trials=12, n_jobs=1)
    print(study.best_params)
    trials = [(t.number, t.params, t.value) for t in study.trials]
    print("HASH", hashlib.sha256(repr(trials).encode()).hexdigest())
