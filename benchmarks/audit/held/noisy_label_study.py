import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


class NoisyLabels(Dataset):
    def __init__(self, x, y, rate, classes):
        self.x = x
        self.y = y.clone()
        flip = np.random.random(len(y)) < rate
        self.y[torch.from_numpy(flip)] = torch.from_numpy(np.random.randint(0, classes, flip.sum()))

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class Trainer:
    def __init__(self, seed, dim, classes):
        set_seed(seed)
        self.seed = seed
        self.model = nn.Sequential(nn.Linear(dim, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, classes))
        self.opt = torch.optim.Adam(self.model.parameters(), lr=1e-3)

    def fit(self, data, epochs):
        g = torch.Generator().manual_seed(self.seed)
        for _ in range(epochs):
            for x, y in DataLoader(data, 64, shuffle=True, generator=g):
                loss = nn.functional.cross_entropy(self.model(x), y)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
        return self


def main():
    blob = torch.load("letters.pt")
    data = NoisyLabels(blob["x"], blob["y"], rate=0.2, classes=26)
    trainer = Trainer(seed=10, dim=blob["x"].shape[1], classes=26).fit(data, epochs=20)
    torch.save(trainer.model.state_dict(), "letters_model.pt")


if __name__ == "__main__":
    main()
