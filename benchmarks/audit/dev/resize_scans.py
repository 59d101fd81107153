import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np


def shrink(path):
    scan = np.load(path).astype(np.float32)
    h, w = (side // 4 * 4 for side in scan.shape)
    small = scan[:h, :w].reshape(h // 4, 4, w // 4, 4).mean(axis=(1, 3))
    np.save(path.with_suffix(".small.npy"), small)
    return path.name, float(small.mean()), float(small.std())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, default=None)
    args = parser.parse_args()
    paths = [path for path in sorted(args.folder.rglob("*.npy")) if not path.stem.endswith(".small")]
    workers = args.workers or os.cpu_count()
    with ProcessPoolExecutor(max_workers=workers) as executor:
        rows = list(executor.map(shrink, paths, chunksize=8))
    with open(args.folder / "stats.csv", "w") as out:
        for name, mean, std in rows:
            out.write(f"{name},{mean:.6f},{std:.6f}\n")


if __name__ == "__main__":
    main()
