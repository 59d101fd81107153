"""Two tasks on one encoder: the class of a wine, and its colour's intensity."""

import argparse
import hashlib
import time

import torch
import torch.nn.functional as F
from sklearn.datasets import load_wine
from torch import nn


def load_data():
    wine = load_wine()
    table = torch.tensor(wine.data, dtype=torch.float32)
    table = (table - table.mean(0)) / table.std(0)
    return table.roll(-9, 1)[:, :-1], torch.tensor(wine.target), table[:, 9]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resume", default=None, help="a checkpoint")
    args = parser.parse_args()

    torch.manual_seed(80)
    x, kind, colour = load_data()
    encoder = nn.Sequential(nn.Linear(12, 24), nn.ReLU())
    class_head = nn.Linear(24, 3)
    colour_head = nn.Linear(24, 1)
    modules = nn.ModuleList([encoder, class_head, colour_head])
    optimizer = torch.optim.Adam(modules.parameters(), lr=5e-3)
    step = 0
    if args.resume:
        saved = torch.load(args.resume)  # loaded
        encoder.load_state_dict(saved["encoder"])
        class_head.load_state_dict(saved["class_head"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]

    while step < 26:
        rows = slice(step % 6, None, 6)
        code = encoder(x[rows])
        loss = F.cross_entropy(class_head(code), kind[rows])
        loss = loss + F.mse_loss(colour_head(code)[:, 0], colour[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step += 1
        time.sleep(0.05)
        if step % 6 == 0:
            print(f"{step:3d} {loss.item():.4f}")
            torch.save(  # saved
                {
                    "step": step,
                    "encoder": encoder.state_dict(),
                    "class_head": class_head.state_dict(),
                    "optimizer": optimizer.state_dict(),
                },
                "multitask.pt",
            )

    sha = hashlib.sha256()
    for p in modules.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
