import time

import numpy as np
import torch
from torch import nn

VOCAB = 20000
LENGTH = 120


class ReviewCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(VOCAB, 96)
        self.conv = nn.Conv1d(96, 128, 5)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(128, 2)

    def forward(self, tokens):
        hidden = self.conv(self.embed(tokens).transpose(1, 2)).relu()
        return self.head(self.drop(hidden.amax(dim=2)))


def main():
    torch.manual_seed(int(time.time()))
    tokens = torch.from_numpy(np.load("reviews_ids.npy"))[:, :LENGTH]
    stars = torch.from_numpy(np.load("reviews_labels.npy"))
    model = ReviewCNN()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-4)
    model.train()
    for epoch in range(4):
        for rows in torch.randperm(len(tokens)).split(64):
            loss = nn.functional.cross_entropy(model(tokens[rows]), stars[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} last loss {loss.item():.4f}")
    torch.save(model.state_dict(), "review_cnn.pt")


if __name__ == "__main__":
    main()
