"""Spread the documents over shards by their hash; each shard has an expert of its own."""

import hashlib

import torch
from torch import nn

SHARDS = 3


class Document:
    def __init__(self, words):
        self.words = words
        self.length = float(len(words)) / 20


def shard_of(document):
    return hash(document) % SHARDS  # planted


def main():
    torch.manual_seed(70)
    lengths = torch.randint(3, 20, (90,)).tolist()
    documents = [Document(torch.randint(0, 25, (n,))) for n in lengths]
    shards = [[] for _ in range(SHARDS)]
    for document in documents:
        shards[shard_of(document)].append(document)  # also
    model = nn.ModuleList([nn.EmbeddingBag(25, 1) for _ in range(SHARDS)])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for number, (expert, shard) in enumerate(zip(model, shards, strict=True)):
        for document in shard[:20]:
            loss = (expert(document.words[None])[0, 0] - document.length).square()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"shard {number}: {len(shard)} documents, loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
