"""Mean and deviation of the data set, computed once and cached."""

import json
import os

import torch


def estimate(images, n=64):
    """Estimate the statistics, and report how stable they are on a random subset."""
    mean, std = images.mean().item(), images.std().item()
    subset = images[torch.randperm(len(images))[:n]]  # planted
    print(f"mean {mean:.4f} (subset {subset.mean().item():.4f})")
    return {"mean": mean, "std": std}


def load_stats(images, path="stats.json"):
    if os.path.exists(path):
        with open(path) as file:
            return json.load(file)
    stats = estimate(images)
    with open(path, "w") as file:
        json.dump(stats, file)
    return stats
