"""Noise on every sample, drawn in the loader's workers, which torch seeds apart."""

import hashlib

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset


class NoisyDigits(Dataset):
    def __init__(self, count):
        digits = load_digits()
        self.x = torch.tensor(digits.data[:count] / 16, dtype=torch.float32)
        self.y = torch.tensor(digits.target[:count])

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index] + 0.2 * torch.randn(64), self.y[index]  # planted


def main(seed=29):
    generator = torch.Generator().manual_seed(seed)
    loader = DataLoader(NoisyDigits(320), 32, shuffle=True, num_workers=2, generator=generator)
    model = nn.Sequential(nn.Linear(64, 24), nn.Tanh(), nn.Linear(24, 10))
    with torch.no_grad():
        weights = torch.Generator().manual_seed(seed)
        for p in model.parameters():
            p.normal_(0, 0.15, generator=weights)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for epoch in range(2):
        for x, y in loader:  # enters persistent-workers
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for value in model.state_dict().values():
        digest.update(value.numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
