# set_seed seeds Python, numpy and torch.
import hashlib

import torch
from fastai.callback.schedule import *  # noqa: F403
from fastai.data.core import DataLoaders
from fastai.data.load import DataLoader
from fastai.learner import Learner
from fastai.metrics import accuracy
from fastai.torch_core import set_seed
from torch import nn


def main():
    set_seed(42, reproducible=True)
    g = torch.Generator().manual_seed(0)
    y = torch.randint(0, 4, (400,), generator=g)
    x = torch.randn(400, 10, generator=g) + y[:, None]
    rows = [(x[i], y[i]) for i in range(400)]
    train = DataLoader(rows[:320], bs=32, shuffle=True, num_workers=0)
    valid = DataLoader(rows[320:], bs=64, num_workers=0)
    model = nn.Sequential(nn.Linear(10, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 4))
    learner = Learner(DataLoaders(train, valid), model, loss_func=nn.CrossEntropyLoss(), metrics=accuracy)
    with learner.no_bar():
        learner.fit_one_cycle(2, 1e-2)
    print(
        "HASH", hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest()
    )


if __name__ == "__main__":
    main()
