"""Half precision with a GradScaler, which looks for the scale that does not overflow."""

import argparse
import hashlib
import time

import torch
from torch import nn


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resume", metavar="PATH")
    parser.add_argument("--steps", type=int, default=26)
    args = parser.parse_args()

    torch.manual_seed(50)
    x = torch.randn(160, 12)
    y = x[:, :4].sum(1, keepdim=True).tanh()
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**24, growth_interval=200)
    step = 0
    if args.resume:
        state = torch.load(args.resume)  # loaded
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        step = state["step"]
        print(f"resumed from {args.resume}, step {step}")

    while step < args.steps:
        rows = (torch.arange(32) + step * 32) % len(x)
        with torch.autocast("cpu", dtype=torch.float16):
            prediction = model(x[rows])
        loss = nn.functional.mse_loss(prediction.float(), y[rows])
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        step += 1
        time.sleep(0.06)
        if step % 7 == 0:
            print(f"step {step} loss {loss.item():.4f} scale {scaler.get_scale():.0f}")
            state = {"step": step, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save(state, "amp.pt")  # saved

    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
