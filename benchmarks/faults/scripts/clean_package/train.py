"""Clip classifier; checkpoints are written, `--resume` continues from one."""

import argparse
import hashlib
import random

import numpy as np
import torch
import torch.nn as nn
from project.checkpoint import load, save
from project.data import Clips, prepare
from torch.utils.data import DataLoader


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()

    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    prepare("clips")
    loader = DataLoader(Clips("clips", args.seed), batch_size=12, shuffle=True, num_workers=2)
    model = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    first = load("last.pt", model, optimizer) if args.resume else 0
    for epoch in range(first, args.epochs):
        for x, y in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
        save("last.pt", model, optimizer, epoch + 1)
        print(f"epoch {epoch} loss {loss.item():.4f}")

    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
