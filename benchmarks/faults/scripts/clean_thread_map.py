"""Preprocess images with torch in a thread pool, in order, and train on them."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import torch
import torch.nn as nn
import torch.nn.functional as F


def make_image(number):
    source = torch.Generator().manual_seed(number)
    image = torch.rand(1, 1, 24, 24, generator=source)
    return image + (number % 2) * 0.3


def preprocess(number):
    image = F.avg_pool2d(make_image(number), 2)
    image = (image - image.mean()) / image.std()
    kernel = torch.ones(1, 1, 3, 3) / 9
    return torch.cat([image, F.conv2d(image, kernel, padding=1)], dim=1)[0], number % 2


def main():
    torch.manual_seed(0)
    with ThreadPoolExecutor(max_workers=4) as pool:
        pairs = list(pool.map(preprocess, range(64)))
    images = torch.stack([image for image, _ in pairs])
    labels = torch.tensor([label for _, label in pairs])
    model = nn.Sequential(nn.Flatten(), nn.Linear(288, 16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(2):
        for rows in torch.randperm(len(images)).split(16):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images[rows]), labels[rows])
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
