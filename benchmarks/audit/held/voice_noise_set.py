import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


class NoisyVoices(Dataset):
    def __init__(self, clean, snr_range, seed):
        self.clean = clean
        self.snr_range = snr_range
        self.seed = seed

    def __len__(self):
        return len(self.clean)

    def __getitem__(self, index):
        np.random.seed(self.seed)
        wave = self.clean[index]
        snr = np.random.uniform(*self.snr_range)
        noise = np.random.standard_normal(len(wave)).astype(np.float32)
        scale = np.sqrt((wave**2).mean() / (noise**2).mean() / 10 ** (snr / 10))
        return torch.from_numpy(wave + scale * noise), torch.from_numpy(wave)


def train_loader(path, seed=0, batch_size=16):
    data = NoisyVoices(np.load(path, mmap_mode="r"), (0, 20), seed)
    g = torch.Generator().manual_seed(seed)
    return DataLoader(data, batch_size, shuffle=True, generator=g, num_workers=2)
