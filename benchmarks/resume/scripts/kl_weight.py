"""A variational autoencoder whose KL term gets more weight with every update."""

import argparse
import hashlib
import time

import torch
from torch import nn


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(16, 8)
        self.decode = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 16))

    def forward(self, x):
        mean, logvar = self.encode(x).chunk(2, dim=1)
        code = mean + (logvar / 2).exp() * torch.randn_like(mean)
        kl = (mean.square() + logvar.exp() - logvar - 1).sum(1).mean() / 2
        return (self.decode(code) - x).square().sum(1).mean(), kl


class Trainer:
    def __init__(self):
        self.model = VAE()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=5e-3)
        self.updates = 0

    def update(self, x):
        reconstruction, kl = self.model(x)
        loss = reconstruction + min(1.0, self.updates / 50) * kl
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.updates += 1
        time.sleep(0.05)
        return loss.item()

    def save(self, path, step):
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        state |= {"updates": self.updates, "step": step, "rng": torch.get_rng_state()}
        torch.save(state, path)  # saved

    def load(self, path):
        state = torch.load(path)  # loaded
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"])
        return state["step"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--load", metavar="PATH")
    args = parser.parse_args()
    torch.manual_seed(103)
    x = torch.randn(240, 4) @ torch.randn(4, 16)
    trainer = Trainer()
    step = trainer.load(args.load) if args.load else 0
    while step < 27:
        loss = trainer.update(x[step % 8 :: 8])
        step += 1
        if step % 5 == 0:
            print(f"step {step}: {loss:.4f}")
            trainer.save("vae.pt", step)
    sha = hashlib.sha256()
    for p in trainer.model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
