"""The learning rate rises for twenty steps; the checkpoint of an epoch has the epoch's number."""

import argparse
import hashlib
import time

import torch
from torch import nn

BASE, WARMUP = 0.1, 20


def set_rate(optimizer, step):
    for group in optimizer.param_groups:
        group["lr"] = BASE * min(1.0, (step + 1) / WARMUP)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resume", metavar="CHECKPOINT")
    args = parser.parse_args()

    torch.manual_seed(100)
    x = torch.randn(150, 6)
    y = (x.square().sum(1) > 5).long()
    model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=BASE, momentum=0.9)
    first_epoch = 0
    if args.resume:
        checkpoint = torch.load(args.resume)  # loaded
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        first_epoch = checkpoint["epoch"] + 1

    step = 0
    for epoch in range(first_epoch, 6):
        for rows in torch.randperm(150, generator=torch.Generator().manual_seed(epoch)).split(30):
            set_rate(optimizer, step)
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            time.sleep(0.05)
        print(f"epoch {epoch} rate {optimizer.param_groups[0]['lr']:.3f} loss {loss.item():.4f}")
        if epoch < 5:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
            torch.save(state, f"epoch{epoch}.pt")
            torch.save(state, "last.pt")  # saved

    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
