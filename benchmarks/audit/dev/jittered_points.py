from functools import partial

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class PointClouds(Dataset):
    def __init__(self, clouds, classes):
        self.clouds = clouds
        self.classes = classes

    def __len__(self):
        return len(self.classes)

    def __getitem__(self, index):
        cloud = self.clouds[index]
        angle = np.random.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        turned = np.concatenate([cloud[:, :2] @ turn, cloud[:, 2:]], axis=1)
        return torch.from_numpy(turned).float(), int(self.classes[index])


def init_worker(worker_id, rank):
    base = torch.initial_seed() % 2**31
    np.random.seed(base + 1000 * rank)


def main(seed=55, rank=0):
    np.random.seed(seed)
    torch.manual_seed(seed)
    archive = np.load("clouds.npz")
    loader = DataLoader(
        PointClouds(archive["clouds"], archive["classes"]),
        batch_size=16,
        shuffle=True,
        num_workers=4,
        worker_init_fn=partial(init_worker, rank=rank),
        generator=torch.Generator().manual_seed(seed),
    )
    model = nn.Sequential(nn.Conv1d(3, 64, 1), nn.ReLU(), nn.Conv1d(64, 128, 1))
    head = nn.Linear(128, 10)
    optimizer = torch.optim.Adam([*model.parameters(), *head.parameters()])
    for _ in range(20):
        for clouds, classes in loader:
            loss = nn.functional.cross_entropy(head(model(clouds.mT).amax(dim=2)), classes)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.save({"model": model.state_dict(), "head": head.state_dict()}, "points.pt")


if __name__ == "__main__":
    main()
