import os

import numpy as np
import torch


def collect(root, suffix=".dat"):
    found = []
    for folder, _, files in os.walk(root):
        for name in files:
            if name.endswith(suffix):
                found.append(os.path.join(folder, name))
    return found


def to_windows(path, length=1000):
    signal = np.fromfile(path, dtype=np.int16).astype(np.float32) / 1000.0
    n = len(signal) // length
    return signal[: n * length].reshape(n, length)


def main():
    paths = collect("records")
    windows = np.concatenate([to_windows(p) for p in paths])
    cut = int(0.9 * len(windows))
    torch.save(
        {"train": torch.from_numpy(windows[:cut]), "test": torch.from_numpy(windows[cut:])}, "ecg.pt"
    )
    print(windows.shape)


if __name__ == "__main__":
    main()
