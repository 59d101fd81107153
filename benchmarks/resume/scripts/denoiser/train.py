"""A denoiser of points on a ring: python train.py, and python train.py resume."""

import hashlib
import random
import sys

import numpy as np
import torch
from checkpoints import Checkpoints
from denoiser import Denoiser

STEPS = 30


def main():
    random.seed(8)
    np.random.seed(8)
    torch.manual_seed(8)
    angle = torch.linspace(0, 6.2, 400)
    points = torch.stack([angle.cos(), angle.sin()], dim=1)

    denoiser = Denoiser()
    checkpoints = Checkpoints("runs", keep=3)
    if sys.argv[1:] == ["resume"]:
        denoiser.load_state_dict(checkpoints.newest())
        print("resumed at", denoiser.step)
    while denoiser.step < STEPS:
        rows = random.sample(range(len(points)), 64)
        loss = denoiser.update(points[rows])
        if denoiser.step % 4 == 0:
            print(f"{denoiser.step:3d} {loss:.4f}")
            checkpoints.save(denoiser.step, denoiser.state_dict())

    sha = hashlib.sha256()
    for p in denoiser.net.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
