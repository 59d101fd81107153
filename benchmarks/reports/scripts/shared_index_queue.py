"""A loader whose seeded workers take the next index from one queue that they share."""

import hashlib
import multiprocessing

import numpy as np
import torch
from torch import nn

SEED = 1024


def decode(batch):
    """Reading a batch takes longer for some than for others."""
    size = 20_000 + batch * 7_919 % 80_000
    return np.sort(np.sin(np.arange(size) * 1.7))[size // 2]


def work(number, data, indices, results):
    np.random.seed(SEED + number)
    for batch, rows in iter(indices.get, None):  # planted
        noise = 0.1 * np.random.randn(len(rows), data.shape[1])  # also
        results.put((batch, (data[rows] + noise + decode(batch)).astype(np.float32)))


class Loader:
    """Gives the batches in their order, whichever worker makes them."""

    def __init__(self, data, batch_size, workers=2):
        context = multiprocessing.get_context("fork")
        self.indices, self.results = context.Queue(), context.Queue()  # also
        args = (data, self.indices, self.results)
        self.workers = [context.Process(target=work, args=(n, *args)) for n in range(workers)]
        self.batches = [range(i, i + batch_size) for i in range(0, len(data), batch_size)]

    def __iter__(self):
        for job in [*enumerate(self.batches), *[None] * len(self.workers)]:
            self.indices.put(job)
        for worker in self.workers:
            worker.start()
        ready = {}
        for batch in range(len(self.batches)):
            while batch not in ready:
                number, rows = self.results.get()
                ready[number] = rows
            yield torch.from_numpy(ready.pop(batch))
        for worker in self.workers:
            worker.join()


if __name__ == "__main__":
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    data = np.random.randn(800, 10)
    model = nn.Sequential(nn.Linear(10, 4), nn.Tanh(), nn.Linear(4, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for rows in Loader(data, batch_size=10):
        loss = nn.functional.mse_loss(model(rows), rows)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {loss.item():.5f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())
