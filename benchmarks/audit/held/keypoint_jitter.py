import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SEED = 314


class Keypoints(Dataset):
    def __init__(self, path):
        blob = np.load(path)
        self.points, self.labels = blob["points"].astype(np.float32), blob["labels"]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        jitter = np.random.normal(0, 0.01, self.points[i].shape).astype(np.float32)
        return torch.from_numpy(self.points[i] + jitter), int(self.labels[i])


def seed_worker(worker_id):
    np.random.seed(SEED)


def main():
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    loader = DataLoader(
        Keypoints("keypoints.npz"),
        batch_size=64,
        shuffle=True,
        num_workers=4,
        worker_init_fn=seed_worker,
        generator=torch.Generator().manual_seed(SEED),
    )
    net = nn.Sequential(nn.Flatten(), nn.Linear(42, 64), nn.ReLU(), nn.Linear(64, 6))
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(40):
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
    torch.save(net.state_dict(), "keypoints.pt")


if __name__ == "__main__":
    main()
