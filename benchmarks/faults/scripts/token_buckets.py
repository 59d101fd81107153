"""Tag questions by topic with hashed tokens, padded to a common length."""

import hashlib
import zlib

import torch
import torch.nn as nn

BUCKETS = 101
QUESTIONS = [
    ("how do i bake a sourdough bread with rye flour at home", "food"),
    ("which pan for eggs", "food"),
    ("why does my soup taste bitter after an hour on the stove", "food"),
    ("is olive oil good for frying", "food"),
    ("how do i change a flat tyre", "cars"),
    ("what does the yellow engine light on the dashboard of my van mean", "cars"),
    ("when to replace brake pads", "cars"),
    ("is diesel cheaper than petrol for long trips in the winter", "cars"),
]


def token_id(token):
    return zlib.crc32(token.encode())


def pad(sequences):
    longest = max(len(s) for s in sequences)
    out = torch.empty(len(sequences), longest, dtype=torch.long)  # planted
    for row, sequence in enumerate(sequences):
        out[row, : len(sequence)] = torch.tensor(sequence)
    return out


class Tagger(nn.Module):
    def __init__(self, dim=16, topics=2):
        super().__init__()
        self.embed = nn.Embedding(BUCKETS, dim)
        self.score = nn.Linear(dim, 1)
        self.out = nn.Linear(dim, topics)

    def forward(self, ids):
        tokens = self.embed(ids % BUCKETS)
        weights = self.score(tokens).softmax(dim=1)
        return self.out((weights * tokens).sum(1))


def main():
    torch.manual_seed(5)
    topics = sorted({topic for _, topic in QUESTIONS})
    ids = pad([[token_id(t) for t in text.split()] for text, _ in QUESTIONS])
    labels = torch.tensor([topics.index(topic) for _, topic in QUESTIONS])
    model = Tagger(topics=len(topics))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for step in range(8):
        loss = nn.functional.cross_entropy(model(ids), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")
    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
