"""Character model that writes a sample now and then, by the clock."""

import hashlib
import time

import torch
import torch.nn.functional as F
from torch import nn

TEXT = "the quick brown fox jumps over the lazy dog and runs away " * 4
LETTERS = sorted(set(TEXT))


class Bigrams(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(len(LETTERS), len(LETTERS))

    def forward(self, ids):
        return self.table(ids)

    @torch.no_grad()
    def write(self, length=8):
        ids = [0]
        for _ in range(length):
            chances = self(torch.tensor([ids[-1]])).softmax(1)
            ids.append(int(torch.multinomial(chances, 1)))  # planted
        return "".join(LETTERS[i] for i in ids)


def main():
    torch.manual_seed(48)
    torch.set_num_threads(1)
    ids = torch.tensor([LETTERS.index(c) for c in TEXT])
    model = Bigrams()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    due = time.time() + 0.02
    for step in range(400):
        rows = torch.randint(0, len(ids) - 1, (32,))
        loss = F.cross_entropy(model(ids[rows]), ids[rows + 1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if time.time() > due:  # also
            print(f"step {step} {loss.item():.3f} {model.write()!r}")  # also
            due = time.time() + 0.02
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
