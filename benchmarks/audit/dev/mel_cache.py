import argparse
from pathlib import Path

import numpy as np
import torch

MEAN = torch.Tensor([-4.27, -3.91, -3.88])
STD = torch.Tensor([2.1, 2.0, 1.9])


def frame_energy(wave, size=400, hop=160):
    n_frames = 1 + (len(wave) - size) // hop
    window = np.hanning(size)
    frames = np.empty((n_frames, size), dtype=np.float32)
    for i in range(n_frames):
        frames[i] = wave[i * hop : i * hop + size] * window
    spectrum = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    bands = np.array_split(spectrum, 3, axis=1)
    energy = np.empty((len(bands), n_frames), dtype=np.float32)
    for row, band in enumerate(bands):
        energy[row] = np.log(band.sum(axis=1) + 1e-8)
    return torch.from_numpy(energy)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    for path in sorted(args.folder.glob("*.npy")):
        energy = frame_energy(np.load(path))
        torch.save((energy - MEAN[:, None]) / STD[:, None], path.with_suffix(".mel.pt"))


if __name__ == "__main__":
    main()
