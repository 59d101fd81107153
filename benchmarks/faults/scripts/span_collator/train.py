"""Next-token prediction on windows of documents."""

import hashlib
import random

import torch
from collate import WindowCollator
from torch import nn
from torch.utils.data import DataLoader

VOCABULARY = 12


class Bigram(nn.Module):
    def __init__(self, dim=10):
        super().__init__()
        self.embed = nn.Embedding(VOCABULARY, dim)
        self.out = nn.Linear(dim, VOCABULARY)

    def forward(self, ids):
        return self.out(self.embed(ids))


def make_documents(n=64):
    return [
        torch.randint(0, VOCABULARY, (int(torch.randint(12, 30, ())),)).cumsum(0) % VOCABULARY
        for _ in range(n)
    ]


def main():
    random.seed(2)
    torch.manual_seed(2)
    loader = DataLoader(make_documents(), batch_size=8, shuffle=True, collate_fn=WindowCollator(9))
    model = Bigram()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    for ids in loader:
        logits = model(ids[:, :-1])
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
