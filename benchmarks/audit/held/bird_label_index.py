"""Fine-tune a small head on precomputed bird embeddings."""

import csv
import random

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def read_rows(path):
    with open(path, newline="") as f:
        return [(row["file"], row["species"]) for row in csv.DictReader(f)]


def main(path="birds.csv", seed=11):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)

    rows = read_rows(path)
    classes = list(set(species for _, species in rows))
    class_to_idx = {c: i for i, c in enumerate(classes)}
    feats = torch.from_numpy(np.load("bird_embeddings.npy")).float()
    labels = torch.tensor([class_to_idx[s] for _, s in rows])

    g = torch.Generator().manual_seed(seed)
    loader = DataLoader(TensorDataset(feats, labels), batch_size=64, shuffle=True, generator=g)
    head = nn.Linear(feats.shape[1], len(classes))
    opt = torch.optim.AdamW(head.parameters(), lr=1e-3)
    for epoch in range(20):
        for x, y in loader:
            opt.zero_grad()
            loss = nn.functional.cross_entropy(head(x), y)
            loss.backward()
            opt.step()
        print(f"epoch {epoch}: {loss.item():.4f}")
    torch.save(head.state_dict(), "head.pt")


if __name__ == "__main__":
    main()
