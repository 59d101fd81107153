"""Deduplicate a sentence file, then draw a shuffled training set from it."""

import random
from pathlib import Path


def dedupe(lines):
    return {line.strip() for line in lines if line.strip()}


def draw(pool, k, rng):
    return rng.sample(pool, k)


def run(cfg):
    rng = random.Random(cfg["seed"])
    unique = dedupe(Path(cfg["input"]).read_text().splitlines())
    print("kept", len(unique), "of the sentences")
    pool = [s for s in unique if len(s.split()) <= cfg["max_words"]]
    chosen = draw(pool, min(cfg["size"], len(pool)), rng)
    Path(cfg["output"]).write_text("\n".join(chosen) + "\n")
    return chosen


CONFIG = {"seed": 8, "input": "raw.txt", "output": "train.txt", "max_words": 40, "size": 50_000}

if __name__ == "__main__":
    run(CONFIG)
