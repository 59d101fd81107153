import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Tiles(Dataset):
    def __init__(self, path):
        archive = np.load(path)
        self.images = archive["images"]
        self.classes = archive["classes"]

    def __len__(self):
        return len(self.classes)

    def __getitem__(self, index):
        return torch.from_numpy(self.images[index]).float() / 10000, int(self.classes[index])


def make_loader(path):
    shuffler = torch.Generator()
    shuffler.seed()
    return DataLoader(Tiles(path), batch_size=32, shuffle=True, generator=shuffler)


def main():
    torch.manual_seed(99)
    loader = make_loader("tiles.npz")
    model = nn.Sequential(
        nn.Conv2d(4, 16, 3, stride=2),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.LazyLinear(9),
    )
    model(torch.zeros(1, 4, 64, 64))
    optimizer = torch.optim.Adam(model.parameters())
    for _ in range(15):
        for images, classes in loader:
            loss = nn.functional.cross_entropy(model(images), classes)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.save(model.state_dict(), "tiles_cnn.pt")


if __name__ == "__main__":
    main()
