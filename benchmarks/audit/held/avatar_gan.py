import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.utils import save_image

Z = 64


def generator():
    return nn.Sequential(
        nn.ConvTranspose2d(Z, 128, 4),
        nn.BatchNorm2d(128),
        nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 3, 4, 2, 1),
        nn.Tanh(),
    )


def critic():
    return nn.Sequential(nn.Conv2d(3, 64, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(64 * 64, 1))


def sheet(g, path):
    g.eval()
    with torch.no_grad():
        images = g(torch.randn(36, Z, 1, 1))
    save_image(images, path, nrow=6, normalize=True)
    g.train()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=50)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    faces = torch.load("avatars.pt")
    order = torch.Generator().manual_seed(args.seed)
    loader = DataLoader(faces, batch_size=64, shuffle=True, drop_last=True, generator=order)
    g, d = generator(), critic()
    g_opt = torch.optim.Adam(g.parameters(), lr=2e-4, betas=(0.5, 0.999))
    d_opt = torch.optim.Adam(d.parameters(), lr=2e-4, betas=(0.5, 0.999))
    for epoch in range(args.epochs):
        for real in loader:
            fake = g(torch.randn(len(real), Z, 1, 1))
            d_loss = (1 - d(real)).relu().mean() + (1 + d(fake.detach())).relu().mean()
            d_opt.zero_grad()
            d_loss.backward()
            d_opt.step()
            g_loss = -d(fake).mean()
            g_opt.zero_grad()
            g_loss.backward()
            g_opt.step()
        sheet(g, f"sheet_{epoch:03d}.png")


if __name__ == "__main__":
    main()
