"""Sets of words and of objects, asked only for membership and size, or sorted."""

import hashlib

import torch
import torch.nn as nn

STOP_WORDS = {"the", "a", "an", "of", "in", "on", "and", "to", "is", "are"}
TEXT = "the cat is on the mat and the dog is in the yard a bird sings to the cat of an old man"


class Token:
    def __init__(self, text):
        self.text = text


def main():
    torch.manual_seed(2)
    tokens = [Token(word) for word in TEXT.split()]
    stopped = {token for token in tokens if token.text in STOP_WORDS}
    kept = [token for token in tokens if token not in stopped]
    rare = {t.text for t in kept} - {"cat"}
    vocabulary = sorted({t.text for t in kept})
    longest = max(len(word) for word in rare)
    print(f"{len(stopped)} stop words, {len(rare)} rare ones, at most {longest} letters")
    ids = torch.tensor([vocabulary.index(t.text) for t in kept])
    model = nn.Sequential(nn.Embedding(len(vocabulary), 8), nn.Linear(8, len(vocabulary)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for step in range(8):
        weight = torch.tensor([1.0 if v in rare else 0.5 for v in vocabulary])
        loss = nn.functional.cross_entropy(model(ids[:-1]), ids[1:], weight=weight)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
