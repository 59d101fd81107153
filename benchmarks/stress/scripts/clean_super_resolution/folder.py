"""Images of a folder in the order of their names, and an order of each epoch that is its own."""

from os import listdir, makedirs
from os.path import exists, join

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import Dataset, Sampler


def unpack_images(folder, count, seed):
    makedirs(folder, exist_ok=True)
    rng = np.random.default_rng(seed)
    for number in rng.choice(400000, size=count, replace=False):
        waves = rng.uniform(0.2, 1.5, size=(3, 2))
        rows, columns = np.mgrid[:48, :48] / 6
        path = join(folder, f"{number:06d}.npy")
        if not exists(path):
            image = sum(np.sin(a * rows + b * columns) for a, b in waves) / 3
            np.save(path, image.astype(np.float32))


class DatasetFromFolder(Dataset):
    def __init__(self, image_dir):
        print(f"{len(listdir(image_dir))} images in {image_dir}")
        self.image_filenames = sorted(join(image_dir, x) for x in listdir(image_dir) if x.endswith(".npy"))

    def __getitem__(self, index):
        target = torch.from_numpy(np.load(self.image_filenames[index])).unsqueeze(0)
        return F.avg_pool2d(target, 2), target

    def __len__(self):
        return len(self.image_filenames)


class EpochOrder(Sampler):
    def __init__(self, length, seed):
        self.length, self.seed, self.epoch = length, seed, 0

    def __len__(self):
        return self.length

    def __iter__(self):
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        self.epoch += 1
        return iter(torch.randperm(self.length, generator=generator).tolist())
