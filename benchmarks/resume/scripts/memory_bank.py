"""Contrastive learning against a queue of past codes, in the manner of MoCo."""

import argparse
import hashlib
import time

import torch
import torch.nn.functional as F
from torch import nn


class Queue:
    def __init__(self, size, width):
        self.codes = F.normalize(torch.ones(size, width), dim=1)
        self.at = 0

    def add(self, codes):
        self.codes[self.at : self.at + len(codes)] = codes.detach()
        self.at = (self.at + len(codes)) % len(self.codes)


class Contrast:
    def __init__(self):
        self.encoder = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 8))
        self.queue = Queue(size=64, width=8)
        self.optimizer = torch.optim.SGD(self.encoder.parameters(), lr=0.1, momentum=0.9)

    def update(self, x):
        query = F.normalize(self.encoder(x + 0.1 * torch.randn_like(x)), dim=1)
        key = F.normalize(self.encoder(x + 0.1 * torch.randn_like(x)), dim=1).detach()
        logits = torch.cat([(query * key).sum(1, keepdim=True), query @ self.queue.codes.T.clone()], dim=1)
        loss = F.cross_entropy(logits / 0.2, torch.zeros(len(x), dtype=torch.long))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.queue.add(key)
        return loss.item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", nargs="?", choices=["train", "resume"], default="train")
    command = parser.parse_args().command

    torch.manual_seed(112)
    x = torch.randn(160, 16)
    method, step = Contrast(), 0
    if command == "resume":
        snapshot = torch.load("snapshot.pt")  # loaded
        method.encoder.load_state_dict(snapshot["encoder"])
        method.optimizer.load_state_dict(snapshot["optimizer"])
        torch.set_rng_state(snapshot["rng"])
        step = snapshot["step"]
    while step < 26:
        loss = method.update(x[step % 10 :: 10])
        step += 1
        time.sleep(0.05)
        if step % 3 == 0:
            print(f"{step:3d} {loss:.4f}")
            snapshot = {"encoder": method.encoder.state_dict(), "optimizer": method.optimizer.state_dict()}
            snapshot |= {"step": step, "rng": torch.get_rng_state()}
            torch.save(snapshot, "snapshot.pt")  # saved
    sha = hashlib.sha256()
    for p in method.encoder.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
