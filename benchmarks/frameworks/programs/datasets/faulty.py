# huggingface/datasets: shuffle() without a seed takes one from numpy's global state, which
# torch.manual_seed does not reach.
import hashlib

import torch
from datasets import Dataset
from torch import nn
from torch.utils.data import DataLoader


def encode(row):
    return {"features": [float(row["text"].count(letter)) for letter in "abcdefgh"]}


def main():
    torch.manual_seed(42)
    texts = ["".join(chr(97 + (i * k) % 11) for k in range(1, 24)) for i in range(400)]
    data = Dataset.from_dict({"text": texts, "label": [i % 3 for i in range(400)]})
    data = data.map(encode, remove_columns=["text"])
    data = data.shuffle()  # planted
    parts = data.train_test_split(test_size=0.2, shuffle=False)
    train = parts["train"].with_format("torch")
    loader = DataLoader(train, batch_size=16)
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 3))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for epoch in range(2):
        for batch in loader:
            loss = nn.functional.cross_entropy(model(batch["features"]), batch["label"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, loss.item())
    print(
        "HASH", hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in model.parameters())).hexdigest()
    )


if __name__ == "__main__":
    main()
