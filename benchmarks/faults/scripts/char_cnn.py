"""Character CNN that guesses the language of a word."""

import hashlib

import torch
import torch.nn as nn
import torch.nn.functional as F

WORDS = {
    "en": ["house", "bread", "water", "window", "garden", "kitchen", "street", "school", "friend", "morning"],
    "de": ["haus", "brot", "wasser", "fenster", "garten", "kueche", "strasse", "schule", "freund", "morgen"],
    "es": ["casa", "pan", "agua", "ventana", "jardin", "cocina", "calle", "escuela", "amigo", "manana"],
}


def encode(word, length=10):
    ids = [ord(c) - ord("a") + 1 for c in word[:length]]
    return ids + [0] * (length - len(ids))


class CharCNN(nn.Module):
    def __init__(self, dim=24, classes=3):
        super().__init__()
        self.embed = nn.Embedding(27, dim, padding_idx=0)
        self.conv = nn.Conv1d(dim, 48, 3, padding=1)
        self.fc = nn.Linear(48, classes)

    def forward(self, ids):
        x = self.embed(ids).transpose(1, 2)
        x = F.silu(self.conv(x)).mean(-1)
        return self.fc(x)


torch.manual_seed(8)
languages = list(WORDS)
ids = torch.tensor([encode(w) for words in WORDS.values() for w in words])
labels = torch.tensor([i for i, words in enumerate(WORDS.values()) for _ in words])

model = CharCNN(classes=len(languages))
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
for _ in range(8):
    order = torch.randperm(len(ids))
    for rows in order.split(10):
        loss = F.cross_entropy(model(ids[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
print(f"loss {loss.item():.5f}")
raw = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
print("fingerprint", hashlib.sha256(raw).hexdigest())
