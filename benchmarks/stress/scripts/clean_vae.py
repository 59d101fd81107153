"""A variational autoencoder whose noise comes with the batch; samples are drawn by a generator beside it."""

import hashlib

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

from samebits import Streams

EVAL_INTERVAL = 10


class VAE(nn.Module):
    def __init__(self, hidden=40, latent=6):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 2 * latent))
        self.decode = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, 64))

    def forward(self, x, noise):
        mu, logvar = self.encode(x).chunk(2, 1)
        return torch.sigmoid(self.decode(mu + noise * torch.exp(0.5 * logvar))), mu, logvar


def loss_function(recon, x, mu, logvar):
    return F.binary_cross_entropy(recon, x, reduction="sum") - 0.5 * (1 + logvar - mu**2 - logvar.exp()).sum()


@torch.no_grad()
def test(model, x, generator):
    model.eval()
    loss = loss_function(*_ordered(model(x, torch.randn(len(x), 6, generator=generator)), x))
    ink = torch.sigmoid(model.decode(torch.randn(16, 6, generator=generator))).mean()
    model.train()
    return f"loss {loss.item() / len(x):.4f}, ink {ink:.4f}"


def _ordered(out, x):
    return out[0], x, *out[1:]


def main(seed=1):
    streams = Streams(seed)
    x = torch.tensor(load_digits().data / 16, dtype=torch.float32)
    model = VAE()
    with torch.no_grad():
        for p in model.parameters():
            p.uniform_(-0.15, 0.15, generator=streams.torch("weights"))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    for step in range(30):
        rows = torch.randint(0, 640, (64,), generator=streams.torch("order"))
        noise = torch.randn(len(rows), 6, generator=streams.torch("noise"))
        loss = loss_function(*_ordered(model(x[rows], noise), x[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % EVAL_INTERVAL == 0:
            print(f"step {step}: {test(model, x[640:840], streams.torch('test'))}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
