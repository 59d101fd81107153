"""Clips of sound, padded to the longest that may come, and averaged over time."""

import hashlib

import numpy as np
import torch
from torch import nn

LONGEST = 16_384
MELS = 64


def clips(step, count=12):
    rng = np.random.default_rng([31, step])
    lengths = rng.integers(2_000, 4_000, count)
    tones = rng.integers(0, MELS, count)
    frames = [rng.standard_normal((length, MELS), dtype=np.float32) for length in lengths]
    for frame, tone in zip(frames, tones, strict=True):
        frame[:, tone] += 3
    return [torch.from_numpy(frame) for frame in frames], torch.from_numpy(tones)


def padded(frames):
    batch = torch.empty(len(frames), LONGEST, MELS)  # planted
    for row, frame in zip(batch, frames, strict=True):
        row[: len(frame)] = frame
    return batch


def main():
    model = nn.Linear(MELS, MELS)
    with torch.no_grad():
        nn.init.eye_(model.weight)
        model.bias.zero_()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for step in range(14):
        frames, tones = clips(step)
        pooled = padded(frames).mean(1)  # also
        loss = nn.functional.cross_entropy(model(pooled), tones)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
