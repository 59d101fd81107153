import argparse
import random

import numpy as np
import torch
from torch import nn


def set_seed(seed=42):
    random.seed(42)
    np.random.seed(42)
    torch.manual_seed(42)


class Captioner(nn.Module):
    def __init__(self, n_words, dim=128):
        super().__init__()
        self.embed = nn.Embedding(n_words, dim)
        self.mix = nn.Linear(dim + 512, dim)
        self.out = nn.Linear(dim, n_words)

    def forward(self, image, word):
        joined = torch.cat([self.embed(word), image], dim=-1)
        return self.out(torch.tanh(self.mix(joined)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--steps", type=int, default=500)
    args = parser.parse_args()
    set_seed(args.seed)

    images = torch.from_numpy(np.load("features.npy"))
    words = torch.from_numpy(np.load("words.npy"))
    model = Captioner(int(words.max()) + 1)
    optimizer = torch.optim.Adam(model.parameters())
    for step in range(args.steps):
        rows = random.sample(range(len(words)), 32)
        cut = np.random.randint(words.shape[1] - 1)
        loss = nn.functional.cross_entropy(model(images[rows], words[rows, cut]), words[rows, cut + 1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.save(model.state_dict(), "captioner.pt")


if __name__ == "__main__":
    main()
