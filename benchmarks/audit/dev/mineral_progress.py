import time

import numpy as np
import torch
from torch import nn

EPOCHS = 12


def main():
    torch.manual_seed(31)
    x = torch.from_numpy(np.load("spectra.npy")).float()
    y = torch.from_numpy(np.load("minerals.npy")).long()
    model = nn.Sequential(nn.Linear(x.shape[1], 512), nn.ReLU(), nn.Dropout(0.3), nn.Linear(512, 40))
    optimizer = torch.optim.Adam(model.parameters())
    last_print = start = time.time()
    seen = 0
    for epoch in range(EPOCHS):
        for rows in torch.randperm(len(x)).split(64):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen += len(rows)
            now = time.time()
            if now - last_print > 60:
                left = (now - start) * (EPOCHS * len(x) / seen - 1)
                print(f"epoch {epoch} {seen / (now - start):.0f} rows/s, {left / 60:.0f} minutes left")
                last_print = now
    print(f"done in {time.time() - start:.1f} s")
    torch.save(model.state_dict(), "minerals.pt")


if __name__ == "__main__":
    main()
