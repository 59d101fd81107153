"""1-D CNN on synthetic sensor traces, with additive noise in the loader workers."""

import hashlib

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class SensorTraces(Dataset):
    """Sine and square waves with random phases; label = kind of wave."""

    def __init__(self, n=160, length=64, noise=0.1):
        rng = np.random.default_rng(99)
        t = np.linspace(0, 4 * np.pi, length)
        phases = rng.uniform(0, np.pi, n)
        waves = np.sin(t[None] + phases[:, None])
        self.labels = rng.integers(0, 2, n)
        self.waves = np.where(self.labels[:, None] == 1, np.sign(waves), waves)
        self.noise = noise
        self.rng = np.random.default_rng()  # planted

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        wave = self.waves[i]
        wave = wave + self.noise * self.rng.standard_normal(wave.shape)  # also
        return torch.as_tensor(wave, dtype=torch.float32)[None], int(self.labels[i])


class Net(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv1d(1, 8, 7, stride=2),
            nn.ReLU(),
            nn.Conv1d(8, 8, 5, stride=2),
            nn.ReLU(),
            nn.Flatten(),
            nn.LazyLinear(2),
        )


def main():
    torch.manual_seed(3)
    np.random.seed(3)
    loader = DataLoader(SensorTraces(), batch_size=16, shuffle=True, num_workers=2)
    net = Net()
    net(torch.zeros(1, 1, 64))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    for i, (x, y) in enumerate(loader):
        optimizer.zero_grad()
        loss = criterion(net(x), y)
        loss.backward()
        optimizer.step()
        print(f"[{i + 1:2d}/{len(loader)}] loss={loss.item():.5f}")
    digest = hashlib.sha256()
    for p in net.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
