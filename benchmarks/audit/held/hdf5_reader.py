import h5py
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info


class H5Samples(Dataset):
    def __init__(self, path):
        self.path = path
        self.file = None
        with h5py.File(path) as f:
            self.length = len(f["y"])

    def open(self):
        self.file = h5py.File(self.path, "r", swmr=True)

    def __len__(self):
        return self.length

    def __getitem__(self, i):
        if self.file is None:
            self.open()
        return torch.from_numpy(self.file["x"][i]), int(self.file["y"][i])


def setup_worker(worker_id):
    torch.set_num_threads(1)
    get_worker_info().dataset.open()


def build(path, batch_size, seed, train):
    g = torch.Generator().manual_seed(seed) if train else None
    return DataLoader(
        H5Samples(path),
        batch_size=batch_size,
        shuffle=train,
        num_workers=4,
        worker_init_fn=setup_worker,
        generator=g,
    )


def main():
    loader = build("samples.h5", 256, seed=0, train=True)
    total = torch.zeros(10)
    for _, y in loader:
        total += torch.bincount(y, minlength=10)
    print(total.tolist())


if __name__ == "__main__":
    main()
