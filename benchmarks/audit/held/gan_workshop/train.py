import argparse

import torch
from callbacks import Samples, Stopper
from data import glyph_loader
from networks import Critic, Painter
from torch import nn


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--latent", type=int, default=32)
    return parser.parse_args()


def main():
    args = parse()
    torch.manual_seed(args.seed)
    loader = glyph_loader("glyphs.pt", batch_size=64, seed=args.seed)
    painter, critic = Painter(args.latent), Critic()
    painter_opt = torch.optim.Adam(painter.parameters(), lr=2e-4, betas=(0.5, 0.999))
    critic_opt = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
    samples, stopper = Samples(args.latent, "samples"), Stopper(args.hours)
    for epoch in range(args.epochs):
        for real in loader:
            fake = painter(torch.randn(len(real), args.latent))
            critic_loss = nn.functional.softplus(-critic(real)) + nn.functional.softplus(
                critic(fake.detach())
            )
            critic_opt.zero_grad()
            critic_loss.mean().backward()
            critic_opt.step()
            painter_opt.zero_grad()
            nn.functional.softplus(-critic(fake)).mean().backward()
            painter_opt.step()
        samples(painter, epoch)
        if stopper.done():
            break
    torch.save(painter.state_dict(), "painter.pt")


if __name__ == "__main__":
    main()
