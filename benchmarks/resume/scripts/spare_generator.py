"""A score model of a bimodal density; the noise has a generator of its own."""

import hashlib
import os
import time

import torch
from torch import nn

CHECKPOINT = "score.ckpt"


class Noise:
    def __init__(self, generator):
        self.generator = generator

    def __call__(self, x):
        return torch.randn(x.shape, generator=self.generator)


def main():
    torch.manual_seed(2)
    noise_generator = torch.Generator().manual_seed(77)
    noise = Noise(noise_generator)
    data = torch.cat([torch.randn(128, 1) * 0.2 - 1, torch.randn(128, 1) * 0.2 + 1])
    score = nn.Sequential(nn.Linear(1, 32), nn.Softplus(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(score.parameters(), lr=1e-2)
    start = 0
    if os.path.isfile(CHECKPOINT):
        loaded = torch.load(CHECKPOINT)  # loaded
        score.load_state_dict(loaded["score"])
        optimizer.load_state_dict(loaded["optimizer"])
        noise_generator = torch.Generator()
        noise_generator.set_state(loaded["noise_generator"])
        start = loaded["step"]

    for step in range(start, 29):
        clean = data[step % 8 :: 8]
        shift = noise(clean)
        loss = (score(clean + 0.3 * shift) + shift / 0.3).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        time.sleep(0.05)
        if step % 6 == 5:
            torch.save(  # saved
                {
                    "step": step + 1,
                    "score": score.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "noise_generator": noise.generator.get_state(),
                },
                CHECKPOINT,
            )

    sha = hashlib.sha256()
    for p in score.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
