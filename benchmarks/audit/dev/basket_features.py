import polars as pl
import torch
from torch import nn

AGGS = [
    pl.col("price").sum().alias("spend"),
    pl.col("price").mean().alias("mean_price"),
    pl.len().alias("items"),
    pl.col("returned").max().alias("label"),
]


def load(path):
    frame = pl.read_parquet(path)
    frame = frame.filter(pl.col("price") > 0)
    baskets = frame.group_by("basket_id").agg(AGGS)
    x = torch.from_numpy(baskets.select("spend", "mean_price", "items").to_numpy()).float()
    y = torch.from_numpy(baskets["label"].to_numpy()).float()
    return x, y


def main():
    torch.manual_seed(40)
    x, y = load("sales.parquet")
    n = int(0.8 * len(x))
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 1))
    opt = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(100):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[:n]).squeeze(1), y[:n])
        opt.zero_grad()
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        print(((model(x[n:]).squeeze(1) > 0) == (y[n:] > 0)).float().mean().item())


if __name__ == "__main__":
    main()
