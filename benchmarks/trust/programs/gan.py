"""Two networks, two optimizers, each step of one followed by a step of the other."""

import torch
import weights
from torch import nn

torch.manual_seed(5)
maker = nn.Sequential(nn.Linear(4, 32), nn.LeakyReLU(0.2), nn.Linear(32, 2))
critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.utils.spectral_norm(nn.Linear(32, 1)))
opt_maker = torch.optim.Adam(maker.parameters(), lr=2e-3, betas=(0.5, 0.99))
opt_critic = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.5, 0.99))
judge = nn.BCEWithLogitsLoss()
for _ in range(12):
    real, noise = torch.randn(32, 2) + 3, torch.randn(32, 4)
    opt_critic.zero_grad()
    fake = maker(noise)
    ones, zeros = torch.ones(32, 1), torch.zeros(32, 1)
    (judge(critic(real), ones) + judge(critic(fake.detach()), zeros)).backward()
    opt_critic.step()
    opt_maker.zero_grad()
    judge(critic(fake), ones).backward()
    opt_maker.step()
weights.show(maker, critic)
