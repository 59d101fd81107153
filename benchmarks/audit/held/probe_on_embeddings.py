import numpy as np
import torch
from torch import nn

CONFIG = {
    "embeddings": "cache/train_embeddings.npz",
    "hidden": 256,
    "lr": 3e-4,
    "weight_decay": 0.01,
    "steps": 2000,
    "seed": 2024,
}


def load(path):
    archive = np.load(path)
    return torch.from_numpy(archive["x"]).float(), torch.from_numpy(archive["y"]).long()


def train(cfg):
    torch.manual_seed(0)
    x, y = load(cfg["embeddings"])
    probe = nn.Sequential(nn.Linear(x.shape[1], cfg["hidden"]), nn.GELU(), nn.Linear(cfg["hidden"], 10))
    optimizer = torch.optim.AdamW(probe.parameters(), lr=cfg["lr"], weight_decay=cfg["weight_decay"])
    for step in range(cfg["steps"]):
        batch = torch.randint(len(x), (128,))
        loss = nn.functional.cross_entropy(probe(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 200 == 0:
            print(step, round(loss.item(), 4))
    torch.save(probe.state_dict(), "probe.pt")


if __name__ == "__main__":
    train(CONFIG)
