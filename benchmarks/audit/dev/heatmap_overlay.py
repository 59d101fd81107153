import torch
import torch.nn.functional as F
from torch import nn
from torchvision.utils import save_image


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 32, 5, stride=4), nn.ReLU())
        self.map = nn.Conv2d(32, 1, 1)
        self.head = nn.Linear(32, 5)

    def forward(self, x):
        features = self.features(x)
        weights = self.map(features).flatten(2).softmax(dim=-1)
        return self.head((features.flatten(2) * weights).sum(dim=-1)), weights


@torch.no_grad()
def overlay(model, images, path):
    _, weights = model(images)
    side = int(weights.shape[-1] ** 0.5)
    maps = F.interpolate(weights.view(-1, 1, side, side), size=images.shape[-2:], mode="bilinear")
    save_image(images * (maps / maps.amax(dim=(2, 3), keepdim=True)), path)


def main():
    torch.manual_seed(70)
    blob = torch.load("shells.pt")
    images, labels = blob["images"].cuda(), blob["labels"].cuda()
    model = Attention().cuda()
    optimizer = torch.optim.Adam(model.parameters())
    for epoch in range(25):
        for rows in torch.randperm(len(images)).split(32):
            logits, _ = model(images[rows])
            loss = F.cross_entropy(logits, labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        overlay(model, images[:8], f"overlay_{epoch}.png")


if __name__ == "__main__":
    main()
