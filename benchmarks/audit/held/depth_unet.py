import torch
import torch.nn.functional as F
from torch import nn


class DepthNet(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.down = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.grow = nn.Upsample(scale_factor=2)
        self.context = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Conv2d(3 * width, 1, 1)

    def forward(self, image):
        fine = F.relu(self.stem(image))
        coarse = F.relu(self.down(fine))
        coarse = coarse * torch.sigmoid(self.context(coarse))
        return self.head(torch.cat([fine, self.grow(coarse)], dim=1))


def multiscale_loss(depth, truth):
    loss = F.l1_loss(depth, truth)
    for scale in (0.5, 0.25):
        small = F.interpolate(depth, scale_factor=scale, mode="nearest")
        loss = loss + F.l1_loss(small, F.interpolate(truth, scale_factor=scale))
    return loss


def main():
    torch.manual_seed(9)
    blob = torch.load("depth.pt")
    net = DepthNet().cuda()
    optimizer = torch.optim.Adam(net.parameters())
    for epoch in range(30):
        for rows in torch.randperm(len(blob["images"])).split(8):
            loss = multiscale_loss(net(blob["images"][rows].cuda()), blob["depth"][rows].cuda())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
    torch.save(net.state_dict(), "depth_net.pt")


if __name__ == "__main__":
    main()
