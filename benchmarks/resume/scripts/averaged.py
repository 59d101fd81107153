"""What is used in the end is the average of the weights, which AveragedModel keeps."""

import argparse
import hashlib
import time

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def build():
    return nn.Sequential(nn.Linear(3, 32), nn.SiLU(), nn.Linear(32, 3))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoint-dir", default=".")
    parser.add_argument("--resume", action="store_true")
    args = parser.parse_args()
    path = f"{args.checkpoint_dir}/averaged.tar"

    torch.manual_seed(61)
    x = torch.randn(240, 3)
    y = torch.linalg.cross(x, x.roll(1, 0))
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    first = 0
    if args.resume:
        checkpoint = torch.load(path)  # loaded
        model.load_state_dict(checkpoint["state_dict"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        first = checkpoint["epoch"]
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))

    for epoch in range(first, 5):
        for rows in torch.arange(len(x)).split(48):
            loss = nn.functional.mse_loss(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            average.update_parameters(model)
            time.sleep(0.05)
        if epoch < 4:
            checkpoint = {
                "epoch": epoch + 1,
                "state_dict": model.state_dict(),
                "average": average.state_dict(),
                "optimizer": optimizer.state_dict(),
            }
            torch.save(checkpoint, path)  # saved

    sha = hashlib.sha256()
    for p in average.module.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
