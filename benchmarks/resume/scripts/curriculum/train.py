"""Learn to add up numbers; the sums become longer as more have been seen.

python train.py, and python train.py --auto-resume
"""

import argparse
import hashlib
import pathlib
import time

import torch
from lessons import Lessons
from torch import nn


class Adder(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRU(1, 20, batch_first=True)
        self.out = nn.Linear(20, 1)

    def forward(self, numbers):
        return self.out(self.cell(numbers[..., None])[1][0])[:, 0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--auto-resume", action="store_true")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("adder"))
    args = parser.parse_args()
    args.folder.mkdir(exist_ok=True)

    torch.manual_seed(101)
    lessons = Lessons(longest=12)
    model = Adder()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    begin = 0
    if args.auto_resume:
        newest = max(args.folder.glob("*.pt"))
        checkpoint = torch.load(newest)  # loaded
        model.load_state_dict(checkpoint["model"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        torch.set_rng_state(checkpoint["torch_rng"])
        begin = checkpoint["step"]
        print("resumed from", newest)

    for step in range(begin, 28):
        numbers = lessons.batch(16)
        loss = nn.functional.mse_loss(model(numbers), numbers.sum(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        time.sleep(0.05)
        if (step + 1) % 5 == 0:
            state = {"step": step + 1, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
            state["torch_rng"] = torch.get_rng_state()
            torch.save(state, args.folder / f"{step + 1:04d}.pt")  # saved

    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
