"""Attention over keys and values that lie in pages; a table says which page holds what."""

import hashlib

import torch
from torch import nn

PAGES, PAGE, DIM = 32, 4, 16


class PagedAttention(nn.Module):
    def __init__(self, sequences, max_pages=8):
        super().__init__()
        self.kv = nn.Linear(DIM, 2 * DIM)
        self.q = nn.Linear(DIM, DIM)
        self.register_buffer("pages", torch.empty(sequences, max_pages, dtype=torch.long))  # planted

    def allocate(self, lengths):
        free = 0
        for row, length in enumerate(lengths):
            needed = -(-length // PAGE)
            self.pages[row, :needed] = torch.arange(free, free + needed)
            free += needed

    def forward(self, tokens, last):
        """`tokens`: what each page holds; `last`: each sequence's newest token."""
        keys, values = self.kv(tokens).chunk(2, dim=-1)
        rows = self.pages % PAGES
        keys, values = keys[rows].flatten(1, 2), values[rows].flatten(1, 2)
        weights = (keys @ self.q(last)[..., None]).div(DIM**0.5).softmax(dim=1)
        return (weights * values).sum(1)


def main():
    torch.manual_seed(14)
    lengths = [9, 22, 14, 5]
    names = [f"sequence {number}" for number in range(300)]
    waiting = [name for name in names if name.endswith("7")]
    del names
    attention = PagedAttention(len(lengths))
    attention.allocate(lengths)
    tokens, last = torch.randn(PAGES, PAGE, DIM), torch.randn(len(lengths), DIM)
    optimizer = torch.optim.Adam(attention.parameters(), lr=1e-2)
    for step in range(6):
        loss = (attention(tokens, last) - last).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.5f}, {len(waiting)} waiting")
    digest = hashlib.sha256()
    for p in attention.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
