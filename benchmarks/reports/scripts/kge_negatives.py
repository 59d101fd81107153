"""DistMult on a small knowledge graph; compiled code draws the false tails."""

import hashlib
import random

import numba
import numpy as np
import torch
from torch import nn

ENTITIES, RELATIONS = 80, 4


@numba.njit
def false_tails(tails, count, entities):
    out = np.empty((len(tails), count), dtype=np.int64)
    for i in range(len(tails)):
        for k in range(count):
            tail = np.random.randint(0, entities)  # also
            while tail == tails[i]:
                tail = np.random.randint(0, entities)
            out[i, k] = tail
    return out


def set_seeds(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


class DistMult(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.entity = nn.Embedding(ENTITIES, dim)
        self.relation = nn.Embedding(RELATIONS, dim)

    def forward(self, head, relation, tail):
        return (self.entity(head) * self.relation(relation) * self.entity(tail)).sum(-1)


set_seeds(0)
heads, relations, tails = (np.random.randint(0, n, 200) for n in (ENTITIES, RELATIONS, ENTITIES))
model = DistMult()
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
for rows in np.array_split(np.random.permutation(200), 8):
    negatives = torch.from_numpy(false_tails(tails[rows], 5, ENTITIES))  # planted
    h, r, t = (torch.from_numpy(part[rows]) for part in (heads, relations, tails))
    margin = model(h[:, None], r[:, None], negatives) - model(h, r, t)[:, None]
    loss = nn.functional.softplus(margin).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"loss {loss.item():.4f}")
flat = torch.cat([p.detach().flatten() for p in model.parameters()])
print("fingerprint", hashlib.sha256(flat.numpy().tobytes()).hexdigest())
