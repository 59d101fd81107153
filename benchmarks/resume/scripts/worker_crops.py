"""Two workers draw the noise of what they load; who resumes begins with the rows that are left."""

import argparse
import hashlib
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

EPOCHS, BATCH, COUNT = 3, 16, 144


class Noisy(Dataset):
    def __init__(self):
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(COUNT, 10, generator=generator)

    def __len__(self):
        return COUNT

    def __getitem__(self, index):
        x = self.x[index]
        return x + 0.2 * torch.randn(10), x.norm().view(1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--resume")
    args = parser.parse_args()
    torch.manual_seed(90)
    data = Noisy()
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    epoch, batch = 0, 0
    if args.resume:
        state = torch.load(args.resume)  # loaded
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"])
        epoch, batch = state["epoch"], state["batch"]

    while epoch < EPOCHS:
        generator = torch.Generator().manual_seed(90 + epoch)
        order = torch.randperm(COUNT, generator=generator).tolist()
        order = order[batch * BATCH :]
        loader = DataLoader(data, batch_size=BATCH, sampler=order, num_workers=2, generator=generator)
        for noisy, norm in loader:
            loss = nn.functional.mse_loss(model(noisy), norm)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            batch += 1
            time.sleep(0.05)
            if (epoch * 9 + batch) % 4 == 0:
                state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
                state |= {"rng": torch.get_rng_state(), "epoch": epoch, "batch": batch}
                torch.save(state, "noisy.pt")  # saved
        epoch, batch = epoch + 1, 0

    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
