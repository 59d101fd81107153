import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class AutoEncoder(nn.Module):
    def __init__(self, dim, code):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(dim, 256), nn.ReLU(), nn.Linear(256, code))
        self.decoder = nn.Sequential(nn.Linear(code, 256), nn.ReLU(), nn.Linear(256, dim))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--data", default="sketches.npy")
    ap.add_argument("--code", type=int, default=16)
    ap.add_argument("--epochs", type=int, default=20)
    args = ap.parse_args()

    x = torch.from_numpy(np.load(args.data).astype(np.float32)).flatten(1) / 255
    loader = DataLoader(TensorDataset(x), 128, shuffle=True, generator=torch.Generator().manual_seed(0))
    model = AutoEncoder(x.shape[1], args.code)
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(args.epochs):
        for (batch,) in loader:
            loss = nn.functional.mse_loss(model(batch), batch)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(epoch, loss.item())
    torch.save(model.state_dict(), "autoencoder.pt")


if __name__ == "__main__":
    main()
