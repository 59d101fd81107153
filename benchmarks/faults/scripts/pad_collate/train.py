"""GRU over padded feature sequences, loaded by two workers."""

import hashlib

import numpy as np
import torch
import torch.nn as nn
from batching import pad_batch
from torch.utils.data import DataLoader, Dataset


class Recordings(Dataset):
    def __init__(self, n=96, features=6):
        rng = np.random.default_rng(18)
        self.items = []
        for _ in range(n):
            length = int(rng.integers(8, 30))
            label = int(rng.integers(0, 3))
            x = rng.normal(label - 1, 1.0, (length, features)).astype(np.float32)
            self.items.append((torch.from_numpy(x), label))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(6, 12, batch_first=True)
        self.fc = nn.Linear(12, 3)

    def forward(self, x):
        out, _ = self.gru(x)
        return self.fc(out.mean(1))


def main():
    torch.manual_seed(18)
    loader = DataLoader(Recordings(), batch_size=12, shuffle=True, num_workers=2, collate_fn=pad_batch)
    model = Classifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for step, (x, y) in enumerate(loader):
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, tuple(x.shape), f"{loss.item():.4f}")
    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
