import random

import albumentations as A
import cv2
import numpy as np
import torch
from albumentations.pytorch import ToTensorV2
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.models import efficientnet_b0


def train_transform(size):
    return A.Compose([A.RandomCrop(size, size), A.HorizontalFlip(p=0.5), A.Normalize(), ToTensorV2()])


class Welds(Dataset):
    def __init__(self, table, transform):
        self.table = table
        self.transform = transform

    def __len__(self):
        return len(self.table)

    def __getitem__(self, i):
        path, label = self.table[i]
        image = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
        return self.transform(image=image)["image"], label


def main(seed=404):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    table = [(row[0], int(row[1])) for row in np.loadtxt("welds.txt", dtype=str)]
    data = Welds(table, train_transform(256))
    loader = DataLoader(data, 16, shuffle=True, generator=torch.Generator().manual_seed(seed))
    net = efficientnet_b0(num_classes=2)
    opt = torch.optim.AdamW(net.parameters(), lr=1e-3)
    net.train()
    for _ in range(12):
        for x, y in loader:
            loss = nn.functional.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
    torch.save(net.state_dict(), "welds.pt")


if __name__ == "__main__":
    main()
