"""Train on another image size every third batch, chosen where the batch is put together."""

import hashlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset, Sampler

SIZES = (16, 20, 24, 28)


class Shuffled(Sampler):
    """Another order in each epoch, from the epoch's own generator."""

    def __init__(self, length, seed):
        self.length, self.seed, self.epoch = length, seed, -1

    def __iter__(self):
        self.epoch += 1
        return iter(np.random.default_rng([self.seed, self.epoch]).permutation(self.length).tolist())

    def __len__(self):
        return self.length


class Stripes(Dataset):
    def __init__(self, count, seed):
        rng = np.random.default_rng(seed)
        self.angle = rng.uniform(0, 3.1, count).astype(np.float32)
        rows, columns = np.mgrid[:24, :24].astype(np.float32) / 4
        self.images = np.stack([np.sin(rows * np.cos(a) + columns * np.sin(a)) for a in self.angle])
        self.img_size = SIZES[0]
        self.batch_count = 0

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return torch.from_numpy(self.images[index])[None], torch.tensor([self.angle[index]])

    def collate_fn(self, batch):
        self.batch_count += 1
        if self.batch_count % 3 == 0:
            self.img_size = SIZES[self.batch_count // 3 % len(SIZES)]  # planted
        images, angles = zip(*batch, strict=True)
        images = [F.interpolate(image[None], size=self.img_size)[0] for image in images]  # also
        return torch.stack(images), torch.stack(angles)


def initialise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.uniform_(-0.2, 0.2, generator=generator)


def main(seed=3):
    pool = nn.AdaptiveMaxPool2d(2)
    model = nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), pool, nn.Flatten(), nn.Linear(32, 1))
    initialise(model, seed)
    dataset = Stripes(48, seed)
    loader = DataLoader(dataset, 4, sampler=Shuffled(48, seed), num_workers=2, collate_fn=dataset.collate_fn)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    for epoch in range(2):
        for images, angles in loader:
            loss = F.mse_loss(model(images), angles)
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
