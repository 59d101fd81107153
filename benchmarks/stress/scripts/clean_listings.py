"""Files found in every way, and each time sorted, counted or looked up by name."""

import glob
import hashlib
import os
from pathlib import Path

import numpy as np
import torch
from torch import nn

ROOT = Path("recordings")
WORDS = ("up", "down", "left", "right", "yes", "no")


def record():
    rng = np.random.default_rng(40)
    for number, word in enumerate(WORDS):
        (ROOT / word).mkdir(parents=True, exist_ok=True)
        for take in range(8):
            wave = np.sin(np.arange(48) / 5 * (1 + number / 3)) + rng.normal(0, 0.2, 48)
            np.save(ROOT / word / f"{take:02d}.npy", wave.astype(np.float32))


def find():
    with os.scandir(ROOT) as entries:
        sizes = {entry.name: len(os.listdir(entry.path)) for entry in entries}
    words = sorted(sizes)
    walked = {os.path.join(top, name) for top, _, names in os.walk(ROOT) for name in names}
    listed = sorted(str(path) for word in ROOT.iterdir() for path in word.iterdir())
    globbed = sorted(glob.glob(f"{ROOT}/*/*.npy"))
    assert len(walked) == sum(sizes.values())
    assert listed == globbed == sorted(walked)
    return words, globbed


def main(seed=2):
    record()
    words, paths = find()
    waves = {path: torch.from_numpy(np.load(path)) for path in glob.iglob(f"{ROOT}/*/*.npy")}
    order = np.random.default_rng(seed).permutation(len(paths))
    x = torch.stack([waves[paths[i]] for i in order])
    y = torch.tensor([words.index(Path(paths[i]).parent.name) for i in order])
    model = nn.Sequential(nn.Linear(48, 20), nn.ReLU(), nn.Linear(20, len(words)))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.uniform_(-0.2, 0.2, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for epoch in range(3):
        for rows in torch.arange(len(x)).split(6):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.4f}")
    weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
    print("fingerprint", hashlib.sha256(weights).hexdigest())


main()
