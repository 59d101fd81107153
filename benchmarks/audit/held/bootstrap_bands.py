import argparse
import os

import numpy as np


def bootstrap(scores, rounds, rng):
    n = len(scores)
    means = np.zeros(rounds)
    for i in range(rounds):
        means[i] = scores[rng.integers(0, n, size=n)].mean()
    return np.percentile(means, [2.5, 97.5])


def main():
    parser = argparse.ArgumentParser(description="confidence bands of a metric")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--rounds", type=int, default=2000)
    parser.add_argument("--offset", type=int, default=0)
    args = parser.parse_args()

    base = os.getpid() * 1000 + args.offset
    rng = np.random.default_rng(base)
    for path in args.files:
        scores = np.loadtxt(path)
        low, high = bootstrap(scores, args.rounds, rng)
        print(f"{path}\t{scores.mean():.4f}\t[{low:.4f}, {high:.4f}]")


if __name__ == "__main__":
    main()
