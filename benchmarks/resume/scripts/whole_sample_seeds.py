"""Workers draw, and each sample's generator is seeded by its epoch and its row: no worker has a state."""

import argparse
import hashlib
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

EPOCHS, BATCH, COUNT = 3, 16, 144


class Noisy(Dataset):
    def __init__(self, epoch):
        self.epoch = epoch
        self.x = torch.randn(COUNT, 10, generator=torch.Generator().manual_seed(0))

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(self.epoch * COUNT + index)
        x = self.x[index]
        return x + 0.2 * torch.randn(10, generator=generator), x.norm().view(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resume")
    args = parser.parse_args()
    torch.manual_seed(211)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    epoch, batch = 0, 0
    if args.resume:
        state = torch.load(args.resume)  # loaded
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        epoch, batch = state["epoch"], state["batch"]

    while epoch < EPOCHS:
        order = torch.randperm(COUNT, generator=torch.Generator().manual_seed(epoch)).tolist()
        loader = DataLoader(Noisy(epoch), BATCH, sampler=order[batch * BATCH :], num_workers=2)
        for noisy, norm in loader:
            loss = nn.functional.mse_loss(model(noisy), norm)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            batch += 1
            time.sleep(0.05)
            if batch % 4 == 0:
                state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
                torch.save({**state, "epoch": epoch, "batch": batch}, "samples.pt")  # saved
        epoch, batch = epoch + 1, 0

    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
