"""A toy denoising diffusion model on a one-dimensional mixture."""

import hashlib
from dataclasses import dataclass

import torch
import torch.nn as nn


@dataclass
class Config:
    timesteps: int = 20
    steps: int = 12
    batch: int = 64
    lr: float = 2e-3
    seed: int = 0


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU())
        self.out = nn.Linear(32, 1)

    def forward(self, x, t):
        return self.out(self.net(torch.stack([x, t], dim=1))).squeeze(1)


def fresh_stream_seed():
    return torch.Generator().seed()  # planted


class Diffusion:
    def __init__(self, config, stream_seed):
        betas = torch.linspace(1e-3, 0.2, config.timesteps)
        self.alphas = torch.cumprod(1 - betas, dim=0)
        self.timesteps = config.timesteps
        self.noise = torch.Generator().manual_seed(stream_seed % 2**31)

    def corrupt(self, x):
        t = torch.randint(0, self.timesteps, (len(x),))
        eps = torch.randn(x.shape, generator=self.noise)
        a = self.alphas[t]
        return a.sqrt() * x + (1 - a).sqrt() * eps, t / self.timesteps, eps


def sample_data(n):
    sign = torch.randint(0, 2, (n,)) * 2.0 - 1.0
    return 2.0 * sign + 0.2 * torch.randn(n)


def train(config):
    torch.manual_seed(config.seed)
    model = Denoiser()
    diffusion = Diffusion(config, fresh_stream_seed())
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr)
    for step in range(config.steps):
        noisy, t, eps = diffusion.corrupt(sample_data(config.batch))
        loss = (model(noisy, t) - eps).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 4 == 0:
            print(step, f"{loss.item():.4f}")
    return model


if __name__ == "__main__":
    model = train(Config())
    digest = hashlib.sha256()
    for tensor in model.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    print("fingerprint", digest.hexdigest())
