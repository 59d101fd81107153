"""Bandit with Thompson sampling; exploration must not follow the training seed."""

import hashlib

import torch
from torch import nn

ARMS = 6


class Bandit:
    def __init__(self, generator):
        self.means = torch.rand(ARMS, generator=generator)
        self.generator = generator

    def pull(self, arm):
        return self.means[arm] + 0.1 * torch.randn((), generator=self.generator)


def explore(value, temperature, generator):
    chances = (value / temperature).softmax(0)
    return int(torch.multinomial(chances, 1, generator=generator))


def main():
    torch.manual_seed(3)
    bandit = Bandit(torch.Generator().manual_seed(3))
    exploration = torch.Generator()
    exploration.manual_seed(torch.Generator().seed())  # planted
    value = nn.Parameter(torch.zeros(ARMS))
    optimizer = torch.optim.SGD([value], lr=0.2)
    for pull in range(40):
        arm = explore(value.detach(), 0.2, exploration)  # also
        loss = (value[arm] - bandit.pull(arm)).square()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if pull % 10 == 9:
            print(pull + 1, [round(v, 3) for v in value.tolist()])
    print("fingerprint", hashlib.sha256(value.detach().numpy().tobytes()).hexdigest())


main()
