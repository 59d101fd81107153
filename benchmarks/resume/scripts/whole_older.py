"""A checkpoint every ten steps: who is killed between two repeats up to nine, and logs them twice."""

import argparse
import hashlib
import json
import time

import torch
from torch import nn


def features(n):
    """The n-th batch, from a generator of the batch's own."""
    generator = torch.Generator().manual_seed(1000 + n)
    x = torch.rand(24, 4, generator=generator)
    return x, (6.3 * x).sin().sum(1, keepdim=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resume", metavar="PATH")
    parser.add_argument("--log", default="metrics.jsonl")
    args = parser.parse_args()
    torch.manual_seed(205)
    model = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Dropout(0.1), nn.Linear(32, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    warm = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=15)
    start = 0
    if args.resume:
        state = torch.load(args.resume, weights_only=True)  # loaded
        for part, name in ((model, "model"), (optimizer, "optimizer"), (warm, "warm")):
            part.load_state_dict(state[name])
        torch.set_rng_state(state["rng"])
        start = state["step"]

    with open(args.log, "a") as log:
        for step in range(start, 36):
            x, y = features(step)
            loss = nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            warm.step()
            time.sleep(0.045)
            print(json.dumps({"step": step, "loss": loss.item(), "time": time.time()}), file=log, flush=True)
            if step % 10 == 9:
                state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
                state |= {"warm": warm.state_dict(), "rng": torch.get_rng_state(), "step": step + 1}
                torch.save(state, "older.pt")  # saved

    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
