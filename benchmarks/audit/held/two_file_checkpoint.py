from pathlib import Path

import numpy as np
import torch
from torch import nn

FOLDER = Path("state")
CFG = {"seed": 77, "lr": 2e-3, "epochs": 60, "noise": 0.1}


def save(model, optimizer, epoch):
    FOLDER.mkdir(exist_ok=True)
    torch.save(model.state_dict(), FOLDER / "weights.pt")
    torch.save(optimizer.state_dict(), FOLDER / "optimizer.pt")
    (FOLDER / "epoch.txt").write_text(str(epoch))


def restore(model, optimizer):
    if not (FOLDER / "epoch.txt").exists():
        return 0
    model.load_state_dict(torch.load(FOLDER / "weights.pt"))
    optimizer.load_state_dict(torch.load(FOLDER / "optimizer.pt"))
    return int((FOLDER / "epoch.txt").read_text()) + 1


def main():
    torch.manual_seed(CFG["seed"])
    data = torch.from_numpy(np.load("signals.npy")).float()
    model = nn.Sequential(nn.Linear(data.shape[1], 32), nn.ReLU(), nn.Linear(32, data.shape[1]))
    optimizer = torch.optim.Adam(model.parameters(), lr=CFG["lr"])
    for epoch in range(restore(model, optimizer), CFG["epochs"]):
        for batch in data[torch.randperm(len(data))].split(64):
            noisy = batch + CFG["noise"] * torch.randn_like(batch)
            loss = nn.functional.mse_loss(model(noisy), batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        save(model, optimizer, epoch)


if __name__ == "__main__":
    main()
