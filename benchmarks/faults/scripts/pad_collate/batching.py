"""Collate recordings of different lengths into one batch."""

import torch


def pad_batch(samples):
    """Pad to the longest recording; clip outliers and repair broken values."""
    lengths = [len(x) for x, _ in samples]
    first = samples[0][0]
    batch = first.new_empty(len(samples), max(lengths), first.shape[1])  # planted
    for row, (x, _) in enumerate(samples):
        batch[row, : len(x)] = x
    batch = batch.nan_to_num(0.0).clamp(-4.0, 4.0)
    return batch, torch.tensor([y for _, y in samples])
