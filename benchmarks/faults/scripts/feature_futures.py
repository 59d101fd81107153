"""Extract spectral features in a thread pool, then train a classifier on them."""

import hashlib
from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np
import torch
import torch.nn as nn


def extract(number):
    """Spectrum of one recording; recordings have different lengths."""
    rng = np.random.default_rng(number)
    n = int(rng.integers(2_000, 60_000))
    label = number % 2
    signal = rng.standard_normal(n) + label * np.sin(np.arange(n) / 5)
    spectrum = np.abs(np.fft.rfft(signal))
    bands = np.array_split(spectrum, 16)
    return np.log([band.mean() for band in bands]), label


def extract_all(count=48, workers=4):
    features, labels = [], []
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(extract, i) for i in range(count)]
        for future in as_completed(futures):  # planted
            bands, label = future.result()
            features.append(bands)
            labels.append(label)
    return torch.tensor(np.array(features), dtype=torch.float32), torch.tensor(labels)


def main():
    torch.manual_seed(4)
    x, y = extract_all()
    x = (x - 4.0) / 2.0
    model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for epoch in range(2):
        for xb, yb in zip(x.split(12), y.split(12), strict=True):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
        print(epoch, f"{loss.item():.4f}")
    digest = hashlib.sha256()
    for p in model.parameters():
        digest.update(p.detach().numpy().tobytes())
    print("fingerprint", digest.hexdigest())


if __name__ == "__main__":
    main()
