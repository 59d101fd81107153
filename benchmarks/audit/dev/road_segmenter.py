import argparse

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class RoadNet(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.down1 = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.down2 = nn.Conv2d(width, width, 3, stride=2, padding=1)
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, image):
        hidden = F.relu(self.down2(F.relu(self.down1(image))))
        return F.interpolate(self.head(hidden), size=image.shape[-2:], mode="bilinear", align_corners=False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=30)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = torch.device("cuda")
    blob = torch.load("roads.pt")
    order = torch.Generator().manual_seed(args.seed)
    data = TensorDataset(blob["images"], blob["masks"].float())
    loader = DataLoader(data, batch_size=8, shuffle=True, generator=order)
    net = RoadNet().to(device)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    for epoch in range(args.epochs):
        for images, masks in loader:
            loss = F.binary_cross_entropy_with_logits(net(images.to(device)), masks.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
    torch.save(net.state_dict(), "roads_net.pt")


if __name__ == "__main__":
    main()
