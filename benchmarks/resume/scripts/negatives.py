"""Skip-gram with negative samples, which a random.Random of the sampler's draws."""

import argparse
import hashlib
import random
import time

import torch
from torch import nn

NODES = 80


class NegativeSampler:
    def __init__(self, count, seed):
        self.count = count
        self.draw = random.Random(seed)

    def __call__(self, positives):
        return torch.tensor([[self.draw.randrange(NODES) for _ in range(self.count)] for _ in positives])


class SkipGram(nn.Module):
    def __init__(self):
        super().__init__()
        self.inside = nn.Embedding(NODES, 12)
        self.outside = nn.Embedding(NODES, 12)

    def forward(self, center, positive, negative):
        c = self.inside(center)
        good = (c * self.outside(positive)).sum(1)
        bad = torch.einsum("bd,bnd->bn", c, self.outside(negative))
        return -(nn.functional.logsigmoid(good).mean() + nn.functional.logsigmoid(-bad).mean())


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resume-from", metavar="FILE")
    return parser.parse_args()


def run(args):
    random.seed(6)
    torch.manual_seed(6)
    pairs = [(n, (n + k) % NODES) for n in range(NODES) for k in (1, 2, 3)]
    random.shuffle(pairs)
    pairs = torch.tensor(pairs)
    sampler = NegativeSampler(5, seed=6)
    model = SkipGram()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    position = 0
    if args.resume_from:
        state = torch.load(args.resume_from)  # loaded
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        position = state["position"]

    batches = pairs.split(10)
    for number in range(position, len(batches)):
        center, positive = batches[number].T
        loss = model(center, positive, sampler(positive))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        time.sleep(0.06)
        if number and number % 5 == 0:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save({**state, "position": number + 1}, "skipgram.pt")  # saved

    sha = hashlib.sha256()
    sha.update(model.inside.weight.detach().numpy().tobytes())
    sha.update(model.outside.weight.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


run(parse())
