import argparse
import glob
import itertools
import os

import torch
from torch import nn


def shards(folders):
    listed = (glob.iglob(os.path.join(folder, "shard-*.pt")) for folder in folders)
    for path in itertools.chain.from_iterable(listed):
        blob = torch.load(path)
        yield blob["x"], blob["y"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    model = nn.Linear(512, 20)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for x, y in shards(args.folders):
        for rows in torch.randperm(len(x)).split(64):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.save(model.state_dict(), "mixed.pt")


if __name__ == "__main__":
    main()
