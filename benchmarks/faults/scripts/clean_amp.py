"""Mixed precision on the CPU: bfloat16 autocast with a gradient scaler."""

import hashlib

import torch
import torch.nn as nn
from torch.amp import GradScaler, autocast


class Encoder(nn.Module):
    def __init__(self, dim=32, heads=4):
        super().__init__()
        self.embed = nn.Linear(8, dim)
        self.layer = nn.TransformerEncoderLayer(dim, heads, 64, dropout=0.1, batch_first=True)
        self.head = nn.Linear(dim, 1)

    def forward(self, x):
        return self.head(self.layer(self.embed(x)).mean(1)).squeeze(1)


def main():
    torch.manual_seed(19)
    model = Encoder()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    scaler = GradScaler("cpu", init_scale=256.0)
    for step in range(6):
        x = torch.randn(16, 12, 8)
        y = x.amax((1, 2))
        optimizer.zero_grad()
        with autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.mse_loss(model(x).float(), y)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        print(f"step {step} loss {loss.item():.5f} scale {scaler.get_scale():.0f}")
    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
