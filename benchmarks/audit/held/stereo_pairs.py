import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info


def init_rng(worker_id):
    info = get_worker_info()
    info.dataset.rng = np.random.default_rng([info.seed, worker_id])


class StereoPairs(Dataset):
    def __init__(self, left, right, max_shift):
        self.left, self.right = left, right
        self.max_shift = max_shift
        self.rng = None

    def __len__(self):
        return len(self.left)

    def __getitem__(self, i):
        shift = int(self.rng.integers(0, self.max_shift + 1))
        right = np.roll(self.right[i], -shift, axis=-1)
        return torch.from_numpy(self.left[i]), torch.from_numpy(right.copy()), shift


def make_loader(root, batch_size, seed, workers=2):
    left = np.load(f"{root}/left.npy", mmap_mode="r")
    right = np.load(f"{root}/right.npy", mmap_mode="r")
    return DataLoader(
        StereoPairs(left, right, max_shift=24),
        batch_size=batch_size,
        shuffle=True,
        num_workers=max(1, workers),
        worker_init_fn=init_rng,
        generator=torch.Generator().manual_seed(seed),
    )
