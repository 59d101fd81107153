import pandas as pd
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

RARE = {"deadly dart", "blusher", "grisette"}


class MushroomTable(Dataset):
    def __init__(self, frame):
        names = set(frame["species"]) - RARE
        self.classes = sorted(names)
        self.index = {name: i for i, name in enumerate(self.classes)}
        frame = frame[frame["species"].isin(names)]
        cols = [c for c in frame.columns if c not in {"species", "id"}]
        self.x = torch.tensor(frame[cols].to_numpy(), dtype=torch.float32)
        self.y = torch.tensor([self.index[s] for s in frame["species"]])

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def fit(data, seed):
    torch.manual_seed(seed)
    loader = DataLoader(data, 32, shuffle=True, generator=torch.Generator().manual_seed(seed))
    model = nn.Sequential(nn.Linear(data.x.shape[1], 64), nn.ReLU(), nn.Linear(64, len(data.classes)))
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(15):
        for x, y in loader:
            loss = nn.functional.cross_entropy(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
    return model


if __name__ == "__main__":
    table = MushroomTable(pd.read_csv("mushrooms.csv"))
    print(len(set(table.classes)), "classes")
    torch.save(fit(table, seed=5).state_dict(), "mushrooms.pt")
