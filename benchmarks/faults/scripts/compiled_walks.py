"""Node embeddings from random walks that numba compiles."""

import hashlib

import numba
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

NODES = 30


@numba.njit
def walk(neighbours, start, length):
    path = np.empty(length, dtype=np.int64)
    path[0] = start
    for i in range(1, length):
        choice = np.random.randint(0, neighbours.shape[1])  # planted
        path[i] = neighbours[path[i - 1], choice]
    return path


def main():
    np.random.seed(6)
    torch.manual_seed(6)
    neighbours = np.random.randint(0, NODES, (NODES, 4))
    embed = nn.Embedding(NODES, 8)
    optimizer = torch.optim.SGD(embed.parameters(), lr=0.1)
    for epoch in range(2):
        for start in np.random.permutation(NODES):
            path = torch.from_numpy(walk(neighbours, start, 6))  # also
            left, right = embed(path[:-1]), embed(path[1:])
            other = embed(torch.randint(0, NODES, (5,)))
            loss = -F.logsigmoid((left * right).sum(1)).mean() - F.logsigmoid(-(left * other).sum(1)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")
    print("fingerprint", hashlib.sha256(embed.weight.detach().numpy().tobytes()).hexdigest())


if __name__ == "__main__":
    main()
