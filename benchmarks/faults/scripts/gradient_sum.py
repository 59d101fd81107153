"""Data parallel training in threads: gradients are summed under a lock as they come."""

import copy
import hashlib
import threading

import torch
import torch.nn.functional as F
from torch import nn

WORKERS = 4


class Accumulator:
    def __init__(self, model):
        self.sums = [torch.zeros_like(p) for p in model.parameters()]
        self.lock = threading.Lock()

    def add(self, grads):
        with self.lock:
            for total, grad in zip(self.sums, grads, strict=True):
                total += grad  # planted


def work(model, x, y, out):
    replica = copy.deepcopy(model)
    loss = F.cross_entropy(replica(x), y)
    out.add(torch.autograd.grad(loss, list(replica.parameters())))  # also


def step(model, optimizer, x, y):
    out = Accumulator(model)
    shards = zip(x.chunk(WORKERS), y.chunk(WORKERS), strict=True)
    threads = [threading.Thread(target=work, args=(model, xs, ys, out)) for xs, ys in shards]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for p, total in zip(model.parameters(), out.sums, strict=True):
        p.grad = total / WORKERS
    optimizer.step()


def main():
    torch.manual_seed(7)
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 4))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x = torch.randn(256, 30)
    y = x[:, :4].argmax(1)
    for _ in range(60):
        step(model, optimizer, x, y)
    print(f"loss {F.cross_entropy(model(x), y).item():.6f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
