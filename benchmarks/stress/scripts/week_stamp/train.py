"""Train an autoencoder under the name of the week's experiment."""

import hashlib

import numpy as np
import torch
from experiment import Experiment
from sklearn.datasets import load_digits
from torch import nn

LOG_INTERVAL = 6


def main():
    experiment = Experiment("autoencoder")
    print(f"experiment {experiment.name}")
    images = torch.tensor(load_digits().data[:600] / 16, dtype=torch.float32)
    model = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 64))
    rng = np.random.default_rng(experiment.seed("weights"))  # also
    for p in model.parameters():
        p.data.copy_(torch.from_numpy(rng.normal(0, 0.1, tuple(p.shape))))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    order = np.random.default_rng(experiment.seed("order"))
    for step in range(24):
        batch = images[torch.from_numpy(order.integers(0, len(images), 50))]
        loss = nn.functional.mse_loss(model(batch), batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % LOG_INTERVAL == 0:
            print(f"step {step}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


if __name__ == "__main__":
    main()
