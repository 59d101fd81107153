import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def seed_worker(worker_id):
    worker_seed = torch.initial_seed() % 2**32
    np.random.seed(worker_seed)
    random.seed(worker_seed)


class Plankton(Dataset):
    def __init__(self, path, side=64):
        blob = np.load(path)
        self.images, self.labels, self.side = blob["images"], blob["labels"], side

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = self.images[i]
        top, left = np.random.randint(0, image.shape[0] - self.side, 2)
        crop = image[top : top + self.side, left : left + self.side].astype(np.float32)
        if random.random() < 0.5:
            crop = crop[:, ::-1].copy()
        return torch.from_numpy(crop)[None] / 255, int(self.labels[i])


def train(seed, epochs):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    g = torch.Generator()
    g.manual_seed(seed)
    loader = DataLoader(
        Plankton("plankton.npz"), 64, shuffle=True, num_workers=4, worker_init_fn=seed_worker, generator=g
    )
    net = nn.Sequential(nn.Conv2d(1, 32, 5, 2), nn.ReLU(), nn.Flatten(), nn.LazyLinear(20))
    net(torch.zeros(1, 1, 64, 64))
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(epochs):
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
    return net


if __name__ == "__main__":
    torch.save(train(seed=4, epochs=12).state_dict(), "plankton.pt")
