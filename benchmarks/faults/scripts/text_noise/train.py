"""Language identification from letters, trained on text with typing errors."""

import hashlib
import random
import sys
from pathlib import Path

import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent / "vendor" / "site-packages"))

from textnoise import Typos

TEXTS = {
    "en": ["the weather is fine today", "where is the next station", "i would like some tea"],
    "de": ["das wetter ist heute gut", "wo ist der naechste bahnhof", "ich moechte etwas tee"],
    "fr": ["il fait beau aujourd hui", "ou est la prochaine gare", "je voudrais du the"],
}


def counts(text):
    vector = torch.zeros(26)
    for letter in text:
        if letter != " ":
            vector[ord(letter) - ord("a")] += 1
    return vector / len(text)


def main():
    random.seed(4)
    torch.manual_seed(4)
    rows = [(text, i) for i, name in enumerate(sorted(TEXTS)) for text in TEXTS[name]]
    typos = Typos(rate=0.1)
    model = nn.Linear(26, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for epoch in range(8):
        random.shuffle(rows)
        x = torch.stack([counts(typos.corrupt(text)) for text, _ in rows])  # planted
        y = torch.tensor([label for _, label in rows])
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")
    raw = model.weight.detach().numpy().tobytes()
    print("fingerprint", hashlib.sha256(raw).hexdigest())


if __name__ == "__main__":
    main()
