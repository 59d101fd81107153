import argparse

import numpy as np
import torch
from torch import nn


class Runner:
    def __init__(self, path, depth, lr, **extra):
        self.path = path
        self.lr = lr
        self.extra = extra
        self._reset()
        layers = []
        for _ in range(depth):
            layers += [nn.Linear(32, 32), nn.ReLU()]
        self.model = nn.Sequential(*layers, nn.Linear(32, 1))

    def _reset(self):
        value = self.extra["seed"]
        np.random.seed(value)
        torch.manual_seed(value)

    def run(self):
        table = np.load(self.path).astype(np.float32)
        order = np.random.permutation(len(table))
        x = torch.from_numpy(table[order, :-1])
        y = torch.from_numpy(table[order, -1:])
        optimizer = torch.optim.SGD(self.model.parameters(), lr=self.lr)
        for start in range(0, len(x), 64):
            loss = nn.functional.mse_loss(self.model(x[start : start + 64]), y[start : start + 64])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss.item()


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", required=True)
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    print(Runner(**vars(parse())).run())
