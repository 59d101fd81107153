import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from .utils import init_worker


class Seedlings(Dataset):
    def __init__(self, images, labels):
        self.images = images
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        if np.random.rand() < 0.5:
            image = image[:, :, ::-1]
        top, left = np.random.randint(0, 8, size=2)
        cropped = np.ascontiguousarray(image[:, top : top + 56, left : left + 56])
        return torch.from_numpy(cropped).float(), int(self.labels[index])


def train_loader(config):
    archive = np.load(config.data)
    return DataLoader(
        Seedlings(archive["images"], archive["labels"]),
        batch_size=config.batch_size,
        shuffle=True,
        num_workers=config.workers,
        worker_init_fn=init_worker,
        generator=torch.Generator().manual_seed(config.seed),
    )
