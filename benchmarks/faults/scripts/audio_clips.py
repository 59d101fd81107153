"""Synthesise short audio clips in two processes, then train a pitch regressor on them."""

import hashlib
import multiprocessing as mp
import os
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn

CLIPS = Path("clips")


def synthesize(number):
    rng = np.random.default_rng(number)
    pitch = 2 + 10 * rng.random()
    t = np.linspace(0, 1, 64)
    clip = np.sin(2 * np.pi * pitch * t) + 0.05 * rng.standard_normal(64)
    path = CLIPS / f"clip{number:03d}.{os.getpid()}.npz"
    np.savez(path, clip=clip.astype(np.float32), pitch=np.float32(pitch))


def load_clips():
    clips, pitches = [], []
    for path in CLIPS.glob("*.npz"):  # planted
        with np.load(path) as file:
            clips.append(file["clip"])
            pitches.append(file["pitch"])
    return torch.tensor(np.stack(clips)), torch.tensor(np.array(pitches))


def main():
    CLIPS.mkdir(exist_ok=True)
    for old in CLIPS.iterdir():
        old.unlink()
    with mp.get_context("fork").Pool(2) as pool:
        pool.map(synthesize, range(40))

    torch.manual_seed(9)
    clips, pitches = load_clips()
    model = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(8):
        index = torch.randperm(len(clips))[:16]
        loss = nn.functional.l1_loss(model(clips[index]).squeeze(1), pitches[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"{step}: {loss.item():.4f}")
    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
