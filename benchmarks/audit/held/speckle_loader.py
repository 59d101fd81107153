import os

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Speckled(Dataset):
    def __init__(self, images, labels, strength=0.2):
        self.images = images
        self.labels = labels
        self.strength = strength

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = torch.from_numpy(self.images[index]).float()
        if torch.rand(1).item() < 0.5:
            image = image.flip(-1)
        return image * (1 + self.strength * torch.randn_like(image)), int(self.labels[index])


def main():
    torch.manual_seed(61)
    archive = np.load("ultrasound.npz")
    loader = DataLoader(
        Speckled(archive["images"], archive["labels"]),
        batch_size=32,
        shuffle=True,
        num_workers=os.cpu_count(),
        generator=torch.Generator().manual_seed(61),
    )
    model = nn.Sequential(nn.Flatten(), nn.LazyLinear(128), nn.ReLU(), nn.Linear(128, 2))
    model(torch.zeros(1, *archive["images"].shape[1:]))
    optimizer = torch.optim.Adam(model.parameters())
    for epoch in range(10):
        for images, labels in loader:
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    main()
