"""GAN on a ring of Gaussians, two optimizers."""

import hashlib
import math

import torch
import torch.nn as nn


def real_points(n):
    angle = torch.randint(0, 8, (n,)) * (2 * math.pi / 8)
    centers = torch.stack([angle.cos(), angle.sin()], dim=1)
    return centers + 0.05 * torch.randn(n, 2)


def build():
    g = nn.Sequential(nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))
    d = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Dropout(0.2), nn.Linear(32, 1))
    return g, d


torch.manual_seed(2)
generator, discriminator = build()
opt_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)

for step in range(8):
    fake = generator(torch.randn(64, 4))
    loss_d = bce(discriminator(real_points(64)), ones)
    loss_d = loss_d + bce(discriminator(fake.detach()), zeros)
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    loss_g = bce(discriminator(fake), ones)
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    print(f"step {step} d {loss_d.item():.4f} g {loss_g.item():.4f}")

sha = hashlib.sha256()
for net in (generator, discriminator):
    for value in net.state_dict().values():
        sha.update(value.numpy().tobytes())
print("fingerprint", sha.hexdigest())
