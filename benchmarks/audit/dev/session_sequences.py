import polars as pl
import torch
from torch.nn.utils.rnn import pad_sequence


def sessions(path, min_len=3):
    lazy = (
        pl.scan_parquet(path)
        .filter(pl.col("event") != "heartbeat")
        .sort("session", "time")
        .group_by("session")
        .agg(pl.col("item"))
        .filter(pl.col("item").list.len() >= min_len)
    )
    for (items,) in lazy.select("item").collect().iter_rows():
        yield torch.tensor(items)


def batched(sequences, size):
    bucket = []
    for seq in sequences:
        bucket.append(seq)
        if len(bucket) == size:
            yield pad_sequence(bucket, batch_first=True)
            bucket = []
    if bucket:
        yield pad_sequence(bucket, batch_first=True)


def cache(path, target, size=512):
    torch.save(list(batched(sessions(path), size)), target)


if __name__ == "__main__":
    cache("events.parquet", "batches.pt")
