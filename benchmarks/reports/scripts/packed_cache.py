"""Pack documents into sequences once, keep them in a cache, and train on them."""

import hashlib
import os

import torch
from torch import nn
from torch.utils.data import DataLoader

CACHE = "packed.pt"
LENGTH = 16


def pack(documents):
    """Join the documents in a random order and cut them into sequences of one length."""
    order = torch.randperm(len(documents))  # also
    tokens = torch.cat([documents[i] for i in order])
    return list(tokens[: len(tokens) // LENGTH * LENGTH].split(LENGTH))


def load(documents):
    if os.path.exists(CACHE):  # planted
        return torch.load(CACHE)  # also
    sequences = pack(documents)  # also
    torch.save(sequences, CACHE)  # also
    return sequences


def main():
    torch.manual_seed(21)
    source = torch.Generator().manual_seed(0)
    documents = [torch.randint(50, (20 + i % 9,), generator=source) for i in range(40)]
    loader = DataLoader(load(documents), batch_size=8, shuffle=True)
    embed, head = nn.Embedding(50, 12), nn.Linear(12, 50)
    parameters = [*embed.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-2)
    for step, batch in enumerate(loader):
        logits = head(embed(batch[:, :-1]))
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
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
