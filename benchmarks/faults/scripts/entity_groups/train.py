"""Contrastive sentence vectors from pairs about the same city."""

import hashlib
import zlib

import torch
import torch.nn.functional as F
from corpus import mentions
from pairs import positive_pairs
from torch import nn


def encode(sentence, size=64):
    return torch.tensor([zlib.crc32(word.encode()) % size for word in sentence.split()])


def main():
    torch.manual_seed(6)
    pairs = positive_pairs(mentions())
    model = nn.EmbeddingBag(64, 8)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for start in range(0, len(pairs), 10):
        batch = pairs[start : start + 10]
        left = model(torch.stack([encode(a) for a, _ in batch]))
        right = model(torch.stack([encode(b) for _, b in batch]))
        loss = F.cross_entropy(F.normalize(left) @ F.normalize(right).T / 0.2, torch.arange(len(batch)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{len(pairs)} pairs, loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
