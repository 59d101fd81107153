import torch
import torch.nn.functional as F
from torch import nn


class FlowNet(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.coarse = nn.Conv2d(2, width, 7, stride=4, padding=3)
        self.out = nn.Conv2d(width, 2, 3, padding=1)

    def forward(self, first, second):
        flow = self.out(F.relu(self.coarse(torch.cat([first, second], dim=1))))
        return F.interpolate(flow, size=first.shape[-2:], mode="bilinear", align_corners=True)


def warp(image, flow):
    n, _, h, w = image.shape
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, h), torch.linspace(-1, 1, w), indexing="ij")
    base = torch.stack([columns, rows], dim=-1).expand(n, h, w, 2)
    return F.grid_sample(image, base + flow.permute(0, 2, 3, 1), align_corners=True)


def main(seed=0):
    torch.manual_seed(seed)
    pairs = torch.load("pairs.pt", map_location="cpu")
    net = FlowNet()
    optimizer = torch.optim.Adam(net.parameters())
    for epoch in range(10):
        for rows in torch.randperm(len(pairs)).split(4):
            first, second = pairs[rows, :1], pairs[rows, 1:]
            loss = F.l1_loss(warp(second, net(first, second)), first)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    main()
