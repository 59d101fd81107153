"""A minimal image-folder dataset: one sub-folder per class."""

import os

import numpy as np
import torch
from torch.utils.data import Dataset


class ImageFolder(Dataset):
    def __init__(self, root):
        self.classes = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
        self.samples = []
        for label, name in enumerate(self.classes):
            for entry in os.scandir(os.path.join(root, name)):  # planted
                if entry.name.endswith(".npy"):
                    self.samples.append((entry.path, label))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        path, label = self.samples[index]
        return torch.from_numpy(np.load(path)).unsqueeze(0), label
