import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info


class Echoes(Dataset):
    def __init__(self, array, noise, seed=0):
        self.array = array
        self.noise = noise
        self.rng = np.random.default_rng(seed)
        self.subset = self.rng.permutation(len(array))[: len(array) // 2]

    def reseed(self, seed):
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return len(self.subset)

    def __getitem__(self, i):
        clean = self.array[self.subset[i]].astype(np.float32)
        noisy = clean + self.noise * self.rng.standard_normal(clean.shape, dtype=np.float32)
        return torch.from_numpy(noisy), torch.from_numpy(clean)


def reseed_copy(worker_id):
    info = get_worker_info()
    info.dataset.reseed(info.seed)


def loaders(root, seed):
    train = Echoes(np.load(f"{root}/train.npy"), noise=0.2, seed=seed)
    train_loader = DataLoader(
        train,
        batch_size=32,
        shuffle=True,
        num_workers=3,
        worker_init_fn=reseed_copy,
        generator=torch.Generator().manual_seed(seed),
    )
    return train_loader
