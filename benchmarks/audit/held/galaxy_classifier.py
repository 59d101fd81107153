import argparse
import os

import torch
from torch import nn


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=0.02)
    return parser.parse_args()


def main():
    args = parse()
    torch.manual_seed(args.seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 256), nn.ReLU(), nn.Linear(256, 10))
    model.to("cuda")
    blob = torch.load("galaxies.pt", map_location="cuda")

    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    torch.use_deterministic_algorithms(True)

    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    for epoch in range(20):
        order = torch.randperm(len(blob["y"])).to("cuda")
        for rows in order.split(128):
            loss = nn.functional.cross_entropy(model(blob["x"][rows]), blob["y"][rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
    torch.save(model.state_dict(), "galaxies_net.pt")


if __name__ == "__main__":
    main()
