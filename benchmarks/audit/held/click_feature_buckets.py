import torch
from torch import nn

NUM_BUCKETS = 2**16


class HashedEmbedding(nn.Module):
    """Bag of hashed categorical features, as used for click logs."""

    def __init__(self, dim=32):
        super().__init__()
        self.table = nn.Embedding(NUM_BUCKETS, dim)
        self.out = nn.Linear(dim, 1)

    def forward(self, ids):
        return self.out(self.table(ids).mean(dim=1)).squeeze(-1)


def encode(row):
    return [hash(f"{k}={v}") % NUM_BUCKETS for k, v in row.items()]


def train(rows, clicks, epochs=3):
    ids = torch.tensor([encode(r) for r in rows])
    y = torch.tensor(clicks, dtype=torch.float32)
    model = HashedEmbedding()
    opt = torch.optim.Adagrad(model.parameters(), lr=0.05)
    for _ in range(epochs):
        for start in range(0, len(ids), 256):
            batch = slice(start, start + 256)
            loss = nn.functional.binary_cross_entropy_with_logits(model(ids[batch]), y[batch])
            opt.zero_grad()
            loss.backward()
            opt.step()
    return model


def main():
    torch.manual_seed(2024)
    rows = [{"site": "news", "device": "phone", "hour": 7}, {"site": "mail", "device": "tablet", "hour": 9}]
    model = train(rows, [1, 0])
    torch.save(model.state_dict(), "clicks.pt")


if __name__ == "__main__":
    main()
