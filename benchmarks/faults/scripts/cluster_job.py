"""Training entry point for the cluster; the scheduler says how many cores we have."""

import argparse
import hashlib
import os

import torch
import torch.nn as nn


def configure_cpu():
    threads = int(os.environ.get("JOB_CPUS", "1"))  # planted
    torch.set_num_threads(threads)  # also
    print(f"using {threads} threads")


def synthetic_images(n):
    x = torch.randn(n, 3, 16, 16)
    y = (x.mean((1, 2, 3)) > 0).long()
    return x, y


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=4)
    args = parser.parse_args()
    configure_cpu()
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.AvgPool2d(4),
        nn.Flatten(),
        nn.Linear(16 * 16, 2),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for step in range(args.steps):
        x, y = synthetic_images(64)
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.6f}")
    digest = hashlib.sha256()
    for value in model.state_dict().values():
        digest.update(value.numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
