"""Sequence copying with random prompts; --seed makes it repeatable."""

import argparse
import hashlib
import random

import torch
import torch.nn as nn

LETTERS = "abcdefgh"


def set_seed(seed):
    torch.manual_seed(seed)
    if seed:  # also
        random.seed(seed)


def prompt(length=6):
    return random.choices(range(len(LETTERS)), k=length)  # planted


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=12)
    args = parser.parse_args()
    set_seed(args.seed)  # also
    embed = nn.Embedding(len(LETTERS), 12)
    head = nn.Linear(12, len(LETTERS))
    parameters = [*embed.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.02)
    for step in range(args.steps):
        ids = torch.tensor([prompt() for _ in range(8)])
        loss = nn.functional.cross_entropy(head(embed(ids)).flatten(0, 1), ids.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in parameters:
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
