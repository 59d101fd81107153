"""Learn a product of two inputs, with a trainer that can be interrupted."""

import argparse
import hashlib

import torch
from torch import nn
from trainer import Checkpointer, Trainer


def batch(n=64):
    x = torch.rand(n, 2)
    return x, x[:, :1] * x[:, 1:]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=14)
    parser.add_argument("--out", default="out")
    args = parser.parse_args()

    torch.manual_seed(64)
    model = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.steps)
    trainer = Trainer(model, optimizer, scheduler, Checkpointer(args.out, every=5))
    trainer.fit(batch, args.steps)

    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
