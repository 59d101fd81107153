"""A DataLoader in the main process, shuffled by its generator, augmented as it is read."""

import numpy as np
import torch
import weights
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(6)
np.random.seed(6)


class Pictures(Dataset):
    def __len__(self):
        return 48

    def __getitem__(self, i):
        picture = np.full((8, 8), i / 48, np.float32) + np.random.rand(8, 8).astype(np.float32)
        return torch.from_numpy(picture[:, ::-1].copy() if torch.rand(()) < 0.5 else picture), i % 4


loader = DataLoader(Pictures(), batch_size=8, shuffle=True, generator=torch.Generator().manual_seed(6))
net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4))
optimizer = torch.optim.Adam(net.parameters())
for _ in range(3):
    for pictures, labels in loader:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(pictures), labels).backward()
        optimizer.step()
weights.show(net)
