"""Train for three epochs; checkpoints in the middle of each, with the number of the epoch."""

import argparse
import hashlib
import time

import torch
from torch import nn

EPOCHS, BATCH = 3, 20


def order(epoch, count):
    """The rows of an epoch, which its number decides."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(100 + epoch))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()

    torch.manual_seed(9)
    x = torch.randn(180, 8)
    y = (x[:, :2].prod(1, keepdim=True) > 0).float()
    model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    first_epoch = 0
    if args.resume:
        state = torch.load("checkpoint.bin")  # loaded
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"])
        first_epoch = state["epoch"]

    for epoch in range(first_epoch, EPOCHS):
        batches = order(epoch, len(x)).split(BATCH)
        for number, rows in enumerate(batches):
            loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            time.sleep(0.05)
            if number in (2, 6):
                state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
                state.update(rng=torch.get_rng_state(), epoch=epoch)
                torch.save(state, "checkpoint.bin")  # saved
        print(f"epoch {epoch} loss {loss.item():.4f}")

    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
