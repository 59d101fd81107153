"""Two loaders, one generator: a pass over the validation set moves the order of the next epoch."""

import hashlib

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

LOG_INTERVAL = 4


def init_weights(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for p in model.parameters():
        nn.init.uniform_(p, -0.1, 0.1, generator=generator)


def validate(model, valid_loader):
    model.eval()
    hits = 0
    with torch.no_grad():
        for x, y in valid_loader:  # also
            hits += (model(x).argmax(1) == y).sum().item()
    return hits / len(valid_loader.dataset)


def main(seed=62, epochs=3):
    digits = load_digits()
    x = torch.tensor(digits.data[:600] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target[:600])
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    init_weights(model, seed)
    torch.manual_seed(seed)
    train_loader = DataLoader(TensorDataset(x[:480], y[:480]), batch_size=40, shuffle=True)
    valid_loader = DataLoader(TensorDataset(x[480:], y[480:]), batch_size=40)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    for epoch in range(epochs):
        model.train()
        for number, (images, labels) in enumerate(train_loader):  # planted # enters extra-draw
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if number % LOG_INTERVAL == 0:
                print(f"epoch {epoch} batch {number}: loss {loss.item():.4f}")
        print(f"epoch {epoch}: accuracy {validate(model, valid_loader):.3f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


if __name__ == "__main__":
    main()
