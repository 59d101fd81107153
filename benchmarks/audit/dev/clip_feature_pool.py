from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import numpy as np


def extract(path):
    frames = np.load(path)["frames"].astype(np.float32)
    return np.concatenate([frames.mean(axis=(1, 2)).ravel(), frames.std(axis=(1, 2)).ravel()])


def extract_all(paths, workers=8):
    features = []
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(extract, p) for p in paths]
        for future in as_completed(futures):
            features.append(future.result())
    return np.stack(features)


def main():
    paths = sorted(Path("clips").glob("*/*.npz"))
    names = sorted({p.parent.name for p in paths})
    labels = np.array([names.index(p.parent.name) for p in paths])
    np.savez("features.npz", x=extract_all(paths), y=labels)


if __name__ == "__main__":
    main()
