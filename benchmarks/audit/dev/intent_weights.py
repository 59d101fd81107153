import polars as pl
import torch
from torch import nn


def class_table(frame):
    counts = frame["intent"].value_counts()
    names = counts["intent"].to_list()
    weights = 1.0 / torch.tensor(counts["count"].to_list(), dtype=torch.float32)
    return names, weights / weights.sum()


def batches(x, y, size, generator):
    for rows in torch.randperm(len(x), generator=generator).split(size):
        yield x[rows], y[rows]


def main(seed=9):
    torch.manual_seed(seed)
    frame = pl.read_ndjson("intents.jsonl")
    names, weights = class_table(frame)
    ids = {n: i for i, n in enumerate(names)}
    x = torch.tensor(frame["embedding"].to_list())
    y = torch.tensor([ids[n] for n in frame["intent"]])
    head = nn.Linear(x.shape[1], len(names))
    opt = torch.optim.SGD(head.parameters(), lr=0.5)
    g = torch.Generator().manual_seed(seed)
    for _ in range(30):
        for bx, by in batches(x, y, 128, g):
            loss = nn.functional.cross_entropy(head(bx), by, weight=weights)
            opt.zero_grad()
            loss.backward()
            opt.step()
    torch.save(head.state_dict(), "intent_head.pt")


if __name__ == "__main__":
    main()
