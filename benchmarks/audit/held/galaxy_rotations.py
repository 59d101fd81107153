import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class RandomQuarterTurn:
    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def __call__(self, image):
        k = int(torch.randint(0, 4, (), generator=self.generator))
        return torch.rot90(image, k, dims=(-2, -1))


class Stamps(Dataset):
    def __init__(self, images, targets, transform=None):
        self.images, self.targets, self.transform = images, targets, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        image = self.images[i].float() / 255
        if self.transform is not None:
            image = self.transform(image)
        return image, self.targets[i]


def main():
    torch.manual_seed(50)
    blob = torch.load("stamps.pt")
    data = Stamps(blob["image"], blob["ellipticity"], RandomQuarterTurn(seed=50))
    loader = DataLoader(
        data, batch_size=100, shuffle=True, num_workers=5, generator=torch.Generator().manual_seed(51)
    )
    net = nn.Sequential(nn.Conv2d(3, 8, 5, 2), nn.ReLU(), nn.Flatten(), nn.LazyLinear(1))
    net(data[0][0][None])
    opt = torch.optim.Adam(net.parameters())
    for _ in range(10):
        for x, y in loader:
            loss = nn.functional.mse_loss(net(x).squeeze(1), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
    torch.save(net.state_dict(), "ellipticity.pt")


if __name__ == "__main__":
    main()
