"""Random crops in DataLoader workers, each worker with its own numpy seed."""

import hashlib
import os

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Shapes(Dataset):
    """Bright squares and crosses on a dark 16x16 background, cropped to 12x12."""

    def __init__(self, n=128):
        rng = np.random.default_rng(0)
        self.images = rng.normal(0, 0.1, (n, 16, 16)).astype(np.float32)
        self.labels = rng.integers(0, 2, n)
        for image, label in zip(self.images, self.labels, strict=True):
            r, c = rng.integers(3, 10, 2)
            if label:
                image[r : r + 4, c : c + 4] += 1
            else:
                image[r + 1, c : c + 4] += 1
                image[r : r + 4, c + 1] += 1

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        top, left = np.random.randint(0, 5, size=2)
        crop = self.images[i, top : top + 12, left : left + 12]
        return torch.from_numpy(crop.copy()).unsqueeze(0), torch.tensor(self.labels[i])


def init_worker(worker_id):
    np.random.seed(os.getpid() + worker_id)  # planted


def main():
    torch.manual_seed(0)
    np.random.seed(0)
    loader = DataLoader(Shapes(), batch_size=16, shuffle=True, num_workers=2, worker_init_fn=init_worker)
    conv = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    model = nn.Sequential(conv, nn.Linear(8 * 25, 2))
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for step, (x, y) in enumerate(loader):
        loss = F.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(step, round(float(loss), 4))
    raw = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(raw).hexdigest())


if __name__ == "__main__":
    main()
