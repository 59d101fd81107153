import glob
import os
from pathlib import Path

import torch
from torch.utils.data import Dataset
from torchvision.io import read_image


class DepthPairs(Dataset):
    def __init__(self, root, split):
        base = Path(root) / split
        self.images = list((base / "rgb").glob("*.png"))
        self.depths = glob.glob(os.path.join(root, split, "depth", "*.png"))
        if len(self.images) != len(self.depths):
            raise ValueError(f"{len(self.images)} images but {len(self.depths)} depth maps")
        self.images.sort()
        self.depths = sorted(self.depths)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        rgb = read_image(str(self.images[i])).float() / 255
        depth = read_image(self.depths[i]).float() / 1000
        return rgb, depth


def scenes(root):
    names = os.listdir(root)
    names = [n for n in names if os.path.isdir(os.path.join(root, n))]
    names.sort(key=lambda n: int(n.split("_")[-1]))
    return names


def mean_depth(dataset):
    return torch.stack([dataset[i][1].mean() for i in range(len(dataset))]).mean()
