"""A trainer whose fit() makes the optimizer, with and without decay."""

import argparse
import hashlib
import time

import torch
from torch import nn


def make_optimizer(model):
    decayed = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=5e-3)


class Trainer:
    def __init__(self, model):
        self.model = model
        self.optimizer = None
        self.step = 0

    def load_checkpoint(self, path):
        ckpt = torch.load(path)  # loaded
        self.model.load_state_dict(ckpt["model"])
        self.optimizer = make_optimizer(self.model)
        self.optimizer.load_state_dict(ckpt["optimizer"])
        self.step = ckpt["step"]

    def save_checkpoint(self, path):
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        torch.save({**state, "step": self.step}, path)  # saved

    def fit(self, x, y, steps):
        self.model.train()
        self.optimizer = make_optimizer(self.model)
        while self.step < steps:
            rows = torch.arange(self.step * 16, self.step * 16 + 16) % len(x)
            loss = nn.functional.mse_loss(self.model(x[rows]), y[rows])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.step += 1
            time.sleep(0.05)
            if self.step % 4 == 0 and self.step != steps:
                self.save_checkpoint("trainer.ckpt")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ckpt-path")
    args = parser.parse_args()
    torch.manual_seed(23)
    x = torch.randn(200, 10)
    trainer = Trainer(nn.Sequential(nn.Linear(10, 32), nn.LayerNorm(32), nn.GELU(), nn.Linear(32, 1)))
    if args.ckpt_path:
        trainer.load_checkpoint(args.ckpt_path)
    trainer.fit(x, x.abs().sum(1, keepdim=True), steps=28)
    sha = hashlib.sha256()
    for p in trainer.model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
