import argparse

import torch
from torch import nn


def backend(fast):
    if fast:
        torch.use_deterministic_algorithms(False)
        torch.set_float32_matmul_precision("high")
    else:
        torch.use_deterministic_algorithms(True)
        torch.set_float32_matmul_precision("highest")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    backend(args.fast)
    torch.manual_seed(args.seed)
    blob = torch.load("pulses.pt")
    model = nn.Sequential(nn.Linear(400, 80), nn.ReLU(), nn.Linear(80, 6))
    optimizer = torch.optim.Adam(model.parameters())
    for epoch in range(15):
        order = torch.randperm(len(blob["x"]))
        for rows in order.split(50):
            loss = nn.functional.cross_entropy(model(blob["x"][rows]), blob["y"][rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())


if __name__ == "__main__":
    main()
