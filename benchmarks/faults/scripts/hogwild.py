"""Lock-free parallel SGD with two threads on one shared model."""

import hashlib
import threading

import torch
import torch.nn as nn
import torch.nn.functional as F


def make_shard(seed, n=256):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 20, generator=generator)
    y = (x[:, :3].sum(1) > 0).long()
    return x, y


def work(model, shard, lr, batch_size=32):
    x, y = shard
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for start in range(0, len(x), batch_size):
        xb, yb = x[start : start + batch_size], y[start : start + batch_size]
        loss = F.cross_entropy(model(xb), yb)
        grads = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for p, g in zip(model.parameters(), grads, strict=True):
                p.grad = g
        optimizer.step()  # also


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 2))
    threads = [threading.Thread(target=work, args=(model, make_shard(seed), 0.1)) for seed in (1, 2)]
    for thread in threads:
        thread.start()  # planted
    for thread in threads:
        thread.join()
    x, y = make_shard(3)
    with torch.no_grad():
        accuracy = (model(x).argmax(1) == y).float().mean().item()
    print(f"accuracy {accuracy:.3f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
