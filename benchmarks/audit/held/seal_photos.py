import imgaug.augmenters as iaa
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

seq = iaa.Sequential([iaa.Fliplr(0.5), iaa.GaussianBlur((0, 1.5)), iaa.Affine(rotate=(-20, 20))])


class Seals(Dataset):
    def __init__(self, npz):
        blob = np.load(npz)
        self.images, self.labels = blob["images"], blob["labels"]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = seq(image=self.images[i])
        return torch.from_numpy(image.transpose(2, 0, 1).copy()).float() / 255, int(self.labels[i])


def make_net(classes):
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, 2),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, 2),
        nn.ReLU(),
        nn.Flatten(),
        nn.LazyLinear(classes),
    )


if __name__ == "__main__":
    np.random.seed(1)
    torch.manual_seed(1)
    loader = DataLoader(Seals("seals.npz"), 32, shuffle=True, generator=torch.Generator().manual_seed(1))
    net = make_net(5)
    opt = None
    for epoch in range(10):
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            if opt is None:
                opt = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(epoch, float(loss))
    torch.save(net.state_dict(), "seals.pt")
