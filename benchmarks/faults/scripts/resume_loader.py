"""Checkpoint after each epoch; the loader shuffles on a generator of its own."""

import hashlib
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

CHECKPOINT = Path("checkpoint.pt")
EPOCHS = 4


def main():
    torch.manual_seed(0)
    x = torch.randn(120, 6)
    data = TensorDataset(x, x.prod(1, keepdim=True))
    order = torch.Generator().manual_seed(0)  # also
    loader = DataLoader(data, batch_size=20, shuffle=True, generator=order)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    start = 0
    if CHECKPOINT.exists():
        saved = torch.load(CHECKPOINT)  # planted
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        torch.set_rng_state(saved["rng"])  # also
        start = saved["epoch"]
        print(f"going on with epoch {start}")
    for epoch in range(start, EPOCHS):
        for xb, yb in loader:
            loss = nn.functional.mse_loss(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")
        if epoch + 1 < EPOCHS:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            torch.save({**state, "rng": torch.get_rng_state(), "epoch": epoch + 1}, CHECKPOINT)  # also
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
