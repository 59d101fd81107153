"""Variational autoencoder on digits; writes a grid of samples once."""

import hashlib
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

SAMPLES = Path("samples")


class VAE(nn.Module):
    def __init__(self, latent=4):
        super().__init__()
        self.latent = latent
        self.encoder = nn.Linear(64, 32)
        self.mu = nn.Linear(32, latent)
        self.logvar = nn.Linear(32, latent)
        self.decoder = nn.Sequential(nn.Linear(latent, 32), nn.ReLU(), nn.Linear(32, 64))

    def forward(self, x):
        h = F.relu(self.encoder(x))
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp()
        return self.decoder(z), mu, logvar

    @torch.no_grad()
    def sample(self, n):
        z = torch.randn(n, self.latent)  # planted
        return torch.sigmoid(self.decoder(z))


def save_preview(model, epoch):
    """Keep one grid per epoch; do not draw it again when it is there."""
    path = SAMPLES / f"epoch{epoch}.npy"
    if not path.exists():
        np.save(path, model.sample(16).numpy())  # also


def elbo(x, logits, mu, logvar):
    restore = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    kl = -0.5 * (1 + logvar - mu.square() - logvar.exp()).sum()
    return (restore + kl) / len(x)


def main():
    SAMPLES.mkdir(exist_ok=True)
    torch.manual_seed(31)
    x = torch.tensor(load_digits().data[:256] / 16, dtype=torch.float32)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for epoch in range(3):
        for batch in x[torch.randperm(len(x))].split(64):
            loss = elbo(batch, *model(batch))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        save_preview(model, epoch)
        print(f"epoch {epoch} elbo {-loss.item():.3f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
