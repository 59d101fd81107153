import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, get_worker_info

SEED = 26


class Archive(Dataset):
    def __init__(self, path, length):
        self.path = path
        self.length = length
        self.rows = None

    def open(self):
        self.rows = np.load(self.path, mmap_mode="r")

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        row = np.array(self.rows[index], dtype=np.float32)
        return torch.from_numpy(row[:-1]), torch.tensor(row[-1])


def open_archive(worker_id):
    torch.set_num_threads(1)
    get_worker_info().dataset.open()


if __name__ == "__main__":
    torch.manual_seed(SEED)
    loader = DataLoader(
        Archive("wells.npy", length=120_000),
        batch_size=256,
        shuffle=True,
        num_workers=2,
        worker_init_fn=open_archive,
        generator=torch.Generator().manual_seed(SEED),
    )
    model = nn.Sequential(nn.LazyLinear(64), nn.ReLU(), nn.Linear(64, 1))
    model(next(iter(loader))[0])
    optimizer = torch.optim.Adam(model.parameters())
    for x, y in loader:
        loss = nn.functional.mse_loss(model(x).squeeze(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.save(model.state_dict(), "wells.pt")
