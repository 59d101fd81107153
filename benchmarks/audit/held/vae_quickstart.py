import argparse

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--latent", type=int, default=8)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--steps", type=int, default=1000)
opts = parser.parse_args()

digits = torch.load("digits.pt").float().flatten(1) / 255.0

encoder = nn.Linear(784, 2 * opts.latent)
decoder = nn.Sequential(nn.Linear(opts.latent, 256), nn.ReLU(), nn.Linear(256, 784))
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)

for step in range(opts.steps):
    start = (step * 64) % (len(digits) - 64)
    batch = digits[start : start + 64]
    mean, log_var = encoder(batch).chunk(2, dim=1)
    code = mean + torch.randn_like(mean) * (0.5 * log_var).exp()
    recon = nn.functional.binary_cross_entropy_with_logits(decoder(code), batch, reduction="sum")
    kl = -0.5 * (1 + log_var - mean.pow(2) - log_var.exp()).sum()
    loss = (recon + kl) / len(batch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(step, f"{loss.item():.2f}")

torch.save(decoder.state_dict(), f"decoder_{opts.latent}_{opts.seed}.pt")
