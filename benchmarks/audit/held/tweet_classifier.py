import numpy as np
import torch
from torch import nn


class Classifier(nn.Module):
    def __init__(self, n_words, n_classes):
        super().__init__()
        self.bag = nn.EmbeddingBag(n_words, 64, mode="mean")
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(64, n_classes)

    def forward(self, ids):
        return self.head(self.dropout(self.bag(ids)))


def validate(model, ids, labels):
    losses = []
    with torch.no_grad():
        for start in range(0, len(ids), 500):
            logits = model(ids[start : start + 500])
            losses.append(nn.functional.cross_entropy(logits, labels[start : start + 500]).item())
    return sum(losses) / len(losses)


def main():
    torch.manual_seed(3)
    ids = torch.from_numpy(np.load("tweet_ids.npy"))
    labels = torch.from_numpy(np.load("tweet_labels.npy"))
    cut = int(0.9 * len(ids))
    model = Classifier(int(ids.max()) + 1, int(labels.max()) + 1)
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(8):
        for rows in torch.randperm(cut).split(64):
            loss = nn.functional.cross_entropy(model(ids[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, validate(model, ids[cut:], labels[cut:]))
    torch.save(model.state_dict(), "tweets.pt")


if __name__ == "__main__":
    main()
