import os

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset


def read(path, side=128):
    image = Image.open(path).convert("RGB").resize((side, side))
    return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255).permute(2, 0, 1)


class Leaves(Dataset):
    def __init__(self, paths):
        self.paths = paths
        self.classes = sorted({os.path.basename(os.path.dirname(p)) for p in paths})

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        path = self.paths[i]
        return read(path), self.classes.index(os.path.basename(os.path.dirname(path)))
