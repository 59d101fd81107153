"""Deep MLP whose linear layers pick the fastest block of their inner dimension."""

import hashlib
import time

import torch
import torch.nn as nn

BLOCKS = (20, 22, 24, 26, 28)


def blocked_matmul(x, weight, block):
    """x @ weight.T, summed over blocks of the inner dimension."""
    pieces = zip(x.split(block, dim=1), weight.split(block, dim=1), strict=True)
    out = None
    for a, b in pieces:
        out = a @ b.T if out is None else out + a @ b.T
    return out


class TunedLinear(nn.Linear):
    block = None

    def measure(self, x, block):
        start = time.perf_counter()
        blocked_matmul(x, self.weight, block)
        return time.perf_counter() - start

    def forward(self, x):
        if self.block is None:
            with torch.no_grad():
                self.block = min(BLOCKS, key=lambda b: self.measure(x, b))  # planted
        return blocked_matmul(x, self.weight, self.block) + self.bias


def build(width=60, depth=8):
    layers = []
    for _ in range(depth):
        layers += [TunedLinear(width, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, 1))


if __name__ == "__main__":
    torch.manual_seed(0)
    model = build()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(5):
        x = torch.randn(64, 60)
        loss = (model(x).squeeze(1) - x.mean(1)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.6f}")
    print("blocks", [m.block for m in model if isinstance(m, TunedLinear)])
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())
