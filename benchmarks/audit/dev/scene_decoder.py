import torch
from torch import nn

SEED = 404


class SceneAutoencoder(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(3, width, 4, stride=2, padding=1),
            nn.SiLU(),
            nn.AdaptiveAvgPool2d((4, 4)),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.SiLU(),
            nn.Upsample(scale_factor=8, mode="bicubic"),
            nn.Conv2d(width, 3, 3, padding=1),
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


def main():
    torch.manual_seed(SEED)
    scenes = torch.load("scenes.pt")
    net = SceneAutoencoder().to("cuda")
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-4)
    for epoch in range(100):
        for rows in torch.randperm(len(scenes)).split(32):
            batch = scenes[rows].to("cuda")
            loss = (net(batch) - batch).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"{epoch}: {loss.item():.5f}")
    torch.save(net.state_dict(), "scenes_net.pt")


if __name__ == "__main__":
    main()
