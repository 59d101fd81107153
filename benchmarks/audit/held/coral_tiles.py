import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class CoralTiles(Dataset):
    def __init__(self, path, seed):
        blob = np.load(path)
        self.x, self.y = blob["x"].astype(np.float32), blob["y"]
        self.rng = np.random.default_rng(seed)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        gain = self.rng.uniform(0.9, 1.1)
        flip = self.rng.random() < 0.5
        x = self.x[i] * gain
        return torch.from_numpy((x[..., ::-1] if flip else x).astype(np.float32)), int(self.y[i])


def fit(seed, epochs):
    torch.manual_seed(seed)
    data = CoralTiles("coral.npz", seed)
    loader = DataLoader(
        data, 64, shuffle=True, num_workers=0, generator=torch.Generator().manual_seed(seed)
    )
    net = nn.Sequential(nn.Flatten(), nn.Linear(data.x[0].size, 64), nn.ReLU(), nn.Linear(64, 7))
    opt = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    for _ in range(epochs):
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
    return net


if __name__ == "__main__":
    torch.save(fit(seed=70, epochs=9).state_dict(), "coral.pt")
