"""Contrastive training with numpy crops; resumes from ckpt.pt, with the torch generator."""

import argparse
import hashlib
import os
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def crop(series, length=24):
    start = np.random.randint(0, series.shape[1] - length, size=len(series))
    return torch.stack([s[b : b + length] for s, b in zip(series, start, strict=True)])


def contrastive_loss(a, b, temperature=0.2):
    logits = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / temperature
    return F.cross_entropy(logits, torch.arange(len(a)))


def save(path, model, optimizer, step):
    torch.save(
        {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "torch_rng": torch.get_rng_state(),
            "step": step,
        },
        path,
    )


def resume(path, model, optimizer):
    state = torch.load(path)  # planted
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["torch_rng"])  # also
    return state["step"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--checkpoint", default="ckpt.pt")
    args = parser.parse_args()

    set_seed(9)
    series = torch.randn(64, 48).cumsum(1) / 5
    model = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 8))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    step = 0
    if os.path.exists(args.checkpoint):
        step = resume(args.checkpoint, model, optimizer)
    while step < args.steps:
        rows = torch.randint(0, len(series), (16,))
        loss = contrastive_loss(model(crop(series[rows])), model(crop(series[rows])))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        if step == 4 or step == 8:
            save(args.checkpoint, model, optimizer, step)
        print(f"{step} {loss.item():.4f}")

    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
