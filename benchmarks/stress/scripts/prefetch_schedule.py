"""A learning rate that falls with the batches handed out, as the batch sampler counts them."""

import hashlib

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 2
LOG_INTERVAL = 5


class CountedBatches:
    def __init__(self, length, size, seed):
        self.length, self.size, self.seed = length, size, seed
        self.epoch = 0
        self.drawn = 0

    def __len__(self):
        return self.length // self.size

    def __iter__(self):
        generator = torch.Generator().manual_seed(1000 * self.seed + self.epoch)
        self.epoch += 1
        for rows in torch.randperm(self.length, generator=generator).split(self.size):
            self.drawn += 1  # also
            yield rows.tolist()


def main(seed=4):
    digits = load_digits()
    x = torch.tensor(digits.data[:480] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target[:480])
    batches = CountedBatches(len(x), 40, seed)
    loader = DataLoader(TensorDataset(x, y), batch_sampler=batches, num_workers=2, prefetch_factor=2)
    model = nn.Linear(64, 10)
    with torch.no_grad():
        model.weight.zero_()
        model.bias.zero_()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    total = EPOCHS * len(batches)
    for _ in range(EPOCHS):
        for number, (images, labels) in enumerate(loader):
            optimizer.param_groups[0]["lr"] = 0.5 * (1 - batches.drawn / (total + 1))  # planted
            loss = nn.functional.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if number % LOG_INTERVAL == 0:
                print(f"{batches.drawn} batches drawn: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


if __name__ == "__main__":
    main()
