import polars as pl
import torch
from torch import nn


def read(path):
    raw = pl.read_csv(path)
    raw = raw.unique(subset=["batch", "specimen"], keep="first")
    return raw.with_columns((pl.col("force") / pl.col("area")).alias("stress"))


def tensors(frame):
    x = torch.from_numpy(frame.select("temperature", "humidity", "share").to_numpy()).float()
    y = torch.from_numpy(frame["stress"].to_numpy()).float()
    return (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()


class Regressor(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(dim, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x):
        return self.net(x).squeeze(-1)


def main():
    x, y = tensors(read("polymers.csv"))
    n = len(x) * 4 // 5
    model = Regressor(x.shape[1])
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(400):
        loss = nn.functional.mse_loss(model(x[:n]), y[:n])
        opt.zero_grad()
        loss.backward()
        opt.step()
    with torch.no_grad():
        print(nn.functional.mse_loss(model(x[n:]), y[n:]).item())


if __name__ == "__main__":
    main()
