"""Every layer initialises itself from a generator of its own."""

import hashlib

import torch
from torch import nn


class SelfInit(nn.Linear):
    def reset_parameters(self):
        generator = torch.Generator().manual_seed(id(self) % 2**31)  # planted
        bound = self.in_features**-0.5
        nn.init.uniform_(self.weight, -bound, bound, generator=generator)
        nn.init.zeros_(self.bias)


def main():
    torch.manual_seed(2)
    model = nn.Sequential(SelfInit(7, 14), nn.ReLU(), SelfInit(14, 14), nn.ReLU(), SelfInit(14, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(8):
        x = torch.randn(32, 7)
        loss = (model(x)[:, 0] - x[:, 0].exp()).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
