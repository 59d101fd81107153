# torch is seeded before its transforms draw.
import hashlib
import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.models import squeezenet1_1
from torchvision.transforms import v2


class Augmented(Dataset):
    def __init__(self, images, labels, transform):
        self.images = [transform(image) for image in images for _ in range(2)]
        self.labels = [label for label in labels for _ in range(2)]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index], self.labels[index]


def main():
    random.seed(42)
    np.random.seed(42)
    torch.manual_seed(42)
    pixels = np.random.RandomState(0).randint(0, 255, (16, 3, 48, 48), dtype=np.uint8)
    transform = v2.Compose(
        [
            v2.RandomResizedCrop(40, antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(0.3, 0.3),
            v2.ToDtype(torch.float32, scale=True),
        ]
    )
    data = Augmented(torch.from_numpy(pixels), [i % 4 for i in range(16)], transform)
    model = squeezenet1_1(weights=None, num_classes=4)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    loader = DataLoader(data, batch_size=8, shuffle=True)
    for epoch in range(2):
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
    print(
        "HASH", hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest()
    )


if __name__ == "__main__":
    main()
