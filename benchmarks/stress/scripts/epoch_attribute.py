"""The dataset is told the epoch; workers that stay alive have a copy that is not."""

import hashlib

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Erased(Dataset):
    def __init__(self, count, seed):
        digits = load_digits()
        self.x = (digits.data[:count] / 16).astype(np.float32)
        self.y = digits.target[:count]
        self.seed = seed
        self.epoch_now = 0

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        rng = np.random.default_rng([self.seed, self.epoch_now, index])  # planted
        return self.x[index] * (rng.random(64, dtype=np.float32) > 0.2), self.y[index]  # also


class EpochOrder:
    def __init__(self, dataset, seed):
        self.dataset, self.seed = dataset, seed

    def __len__(self):
        return len(self.dataset)

    def __iter__(self):
        rng = np.random.default_rng([self.seed, self.dataset.epoch_now])
        return iter(rng.permutation(len(self)).tolist())


def main(seed=47):
    dataset = Erased(384, seed)
    loader = DataLoader(dataset, batch_size=32, sampler=EpochOrder(dataset, seed), num_workers=2)
    model = nn.Linear(64, 10)
    with torch.no_grad():
        model.weight.zero_()
        model.bias.zero_()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for epoch in range(2):
        loader.dataset.epoch_now = epoch  # also
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


if __name__ == "__main__":
    main()
