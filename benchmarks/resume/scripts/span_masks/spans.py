"""Batches of sequences, of each of which one span is hidden."""

import random

import torch


def masked(sequences, mask, size=16, longest=6):
    rows = torch.tensor(random.sample(range(len(sequences)), size))
    target = sequences[rows]
    tokens = target.clone()
    hidden = torch.zeros_like(target, dtype=torch.bool)
    for row in range(size):
        length = random.randint(2, longest)
        begin = random.randrange(target.shape[1] - length)
        hidden[row, begin : begin + length] = True
    tokens[hidden] = mask
    return tokens, target, hidden
