import albumentations as A
import numpy as np
import torch
from albumentations.pytorch import ToTensorV2
from torch import nn
from torch.utils.data import DataLoader, Dataset


def transforms(cfg):
    train = A.Compose(
        [A.RandomCrop(128, 128), A.RandomBrightnessContrast(p=0.3), A.Normalize(), ToTensorV2()],
        seed=cfg["seed"],
    )
    return train


class Roofs(Dataset):
    def __init__(self, images, masks, transform):
        self.images, self.masks, self.transform = images, masks, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        out = self.transform(image=self.images[i], mask=self.masks[i])
        return out["image"], out["mask"].long()


def main():
    cfg = {"seed": 90, "lr": 1e-3, "epochs": 6}
    torch.manual_seed(cfg["seed"])
    blob = np.load("roofs.npz")
    data = Roofs(blob["images"], blob["masks"], transforms(cfg))
    g = torch.Generator().manual_seed(cfg["seed"])
    loader = DataLoader(data, 8, shuffle=True, generator=g)
    net = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 2, 1))
    opt = torch.optim.Adam(net.parameters(), lr=cfg["lr"])
    for _ in range(cfg["epochs"]):
        for x, mask in loader:
            logits = net(x).permute(0, 2, 3, 1).reshape(-1, 2)
            loss = nn.functional.cross_entropy(logits, mask.reshape(-1))
            opt.zero_grad()
            loss.backward()
            opt.step()
    torch.save(net.state_dict(), "roofs.pt")


if __name__ == "__main__":
    main()
