import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SEED = 7
LENGTH = 256


class Crops(Dataset):
    def __init__(self, signals, labels):
        self.signals = signals
        self.labels = labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        signal = self.signals[index]
        start = np.random.randint(len(signal) - LENGTH)
        return torch.from_numpy(signal[start : start + LENGTH]).float(), int(self.labels[index])


if __name__ == "__main__":
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    archive = np.load("signals.npz")
    loader = DataLoader(
        Crops(archive["signals"], archive["labels"]),
        batch_size=64,
        shuffle=True,
        num_workers=4,
        worker_init_fn=lambda worker_id: np.random.seed(SEED + worker_id),
        generator=torch.Generator().manual_seed(SEED),
    )
    model = nn.Sequential(nn.Linear(LENGTH, 128), nn.ReLU(), nn.Linear(128, 5))
    optimizer = torch.optim.Adam(model.parameters())
    for epoch in range(30):
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
