"""The images, written once as an archive would be unpacked."""

from os import makedirs
from os.path import exists, join

import numpy as np
from dataset import DatasetFromFolder


def unpack_images(dest="dataset"):
    for part, count in (("train", 24), ("test", 6)):
        folder = join(dest, part)
        makedirs(folder, exist_ok=True)
        rng = np.random.default_rng(300 + count)
        numbers = rng.choice(400000, size=count, replace=False)
        for number in numbers:
            waves = rng.uniform(0.2, 1.5, size=(3, 2))
            rows, columns = np.mgrid[:48, :48] / 6
            image = sum(np.sin(a * rows + b * columns) for a, b in waves) / 3
            path = join(folder, f"{number:06d}.npy")
            if not exists(path):
                np.save(path, image.astype(np.float32))
    return dest


def get_training_set(upscale_factor):
    return DatasetFromFolder(join(unpack_images(), "train"), upscale_factor)


def get_test_set(upscale_factor):
    return DatasetFromFolder(join(unpack_images(), "test"), upscale_factor)
