import os

import torch
from torch.utils.data import Dataset
from torchvision.io import read_image


class SpeciesFolders(Dataset):
    """One folder per species, with its pictures in it."""

    def __init__(self, root, transform=None):
        self.root = root
        self.transform = transform
        _, species, _ = next(os.walk(root))
        self.class_to_index = {name: i for i, name in enumerate(species)}
        self.samples = []
        for name, index in self.class_to_index.items():
            for picture in sorted(os.listdir(os.path.join(root, name))):
                if picture.endswith(".jpg"):
                    self.samples.append((os.path.join(name, picture), index))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        path, label = self.samples[index]
        image = read_image(os.path.join(self.root, path)).float() / 255
        if self.transform is not None:
            image = self.transform(image)
        return image, label


def class_weights(dataset):
    counts = torch.zeros(len(dataset.class_to_index))
    for _, label in dataset.samples:
        counts[label] += 1
    return counts.sum() / counts.clamp(min=1)
