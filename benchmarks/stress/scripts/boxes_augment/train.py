"""Train a detector on a list of images, augmented by a library."""

import hashlib

import numpy as np
import torch
from augmenters import DEFAULT_AUG
from torch import nn
from torch.utils.data import DataLoader, Dataset
from utils import provide_determinism, worker_seed_set

EVALUATION_INTERVAL = 2


def write_images(count=40, side=24):
    rng = np.random.default_rng(7)
    images = rng.normal(0, 0.2, (count, side, side)).astype(np.float32)
    boxes = rng.uniform(0.2, 0.8, (count, 2))
    for image, (x, y) in zip(images, boxes, strict=True):
        image[int(y * side) - 3 : int(y * side) + 3, int(x * side) - 3 : int(x * side) + 3] += 2
    np.savez("images.npz", images=images, boxes=boxes.astype(np.float32))


class ListDataset(Dataset):
    def __init__(self, path, rows, transform=None):
        with np.load(path) as table:
            self.images, self.boxes = table["images"][rows], table["boxes"][rows]
        self.transform = transform

    def __getitem__(self, index):
        image, box = self.images[index], self.boxes[index]
        if self.transform:
            image, box = self.transform(image, box)
        return image[None], box

    def __len__(self):
        return len(self.images)


def evaluate(model, dataloader):
    model.eval()
    errors = []
    for images, targets in dataloader:  # enters evaluation
        with torch.no_grad():
            errors.append((model(images) - targets).abs().mean().item())
    return sum(errors) / len(errors)


def run(seed=5, n_cpu=2, epochs=3):
    provide_determinism(seed)
    write_images()
    layers = [nn.Conv2d(1, 6, 5, 2), nn.ReLU(), nn.Flatten()]  # enters unused-layer
    model = nn.Sequential(*layers, nn.Linear(600, 2))  # enters unused-layer
    dataset = ListDataset("images.npz", slice(0, 32), DEFAULT_AUG)
    validation = ListDataset("images.npz", slice(32, 40))
    dataloader = DataLoader(dataset, 4, shuffle=True, num_workers=n_cpu, worker_init_fn=worker_seed_set)
    validation_dataloader = DataLoader(validation, 4, num_workers=1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    for epoch in range(1, epochs + 1):
        model.train()
        for images, targets in dataloader:  # enters extra-draw evaluation
            loss = nn.functional.mse_loss(model(images), targets)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        print(f"epoch {epoch}: loss {loss.item():.4f}")
        if epoch % EVALUATION_INTERVAL == 0:
            print(f"epoch {epoch}: error {evaluate(model, validation_dataloader):.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


if __name__ == "__main__":
    run()
