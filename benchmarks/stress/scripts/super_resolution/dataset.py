"""A folder of images as pairs of a low and a high resolution."""

from os import listdir
from os.path import join

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import Dataset


def is_image_file(filename):
    return any(filename.endswith(extension) for extension in (".npy", ".npz"))


def load_img(filepath):
    return torch.from_numpy(np.load(filepath)).unsqueeze(0)


class DatasetFromFolder(Dataset):
    def __init__(self, image_dir, upscale_factor):
        super().__init__()
        self.image_filenames = [join(image_dir, x) for x in listdir(image_dir) if is_image_file(x)]  # planted
        self.upscale_factor = upscale_factor

    def __getitem__(self, index):
        target = load_img(self.image_filenames[index])
        return F.avg_pool2d(target, self.upscale_factor), target

    def __len__(self):
        return len(self.image_filenames)
