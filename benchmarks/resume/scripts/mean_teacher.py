"""A mean teacher: the student must agree with the average of its own past on rows without labels."""

import copy
import hashlib
import os
import time

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

FILE = "mean_teacher.pt"
STEPS = 28


class MeanTeacher:
    def __init__(self):
        self.student = nn.Sequential(nn.Linear(64, 40), nn.ReLU(), nn.Linear(40, 10))
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        self.optimizer = torch.optim.Adam(self.student.parameters(), lr=5e-3)

    def update(self, x, y, unlabelled):
        agreement = F.mse_loss(self.student(unlabelled).softmax(1), self.teacher(unlabelled).softmax(1))
        loss = F.cross_entropy(self.student(x), y) + 5 * agreement
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            for slow, fast in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
                slow.lerp_(fast, 0.05)
        return loss.item()


def main():
    torch.manual_seed(60)
    digits = load_digits()
    x = torch.tensor(digits.data[:400] / 16, dtype=torch.float32)
    y = torch.tensor(digits.target[:400])
    method = MeanTeacher()
    start = 0
    if os.path.exists(FILE):
        state = torch.load(FILE)  # loaded
        method.student.load_state_dict(state["student"])
        method.teacher.load_state_dict(state["student"])
        method.optimizer.load_state_dict(state["optimizer"])
        start = state["step"]
    for step in range(start, STEPS):
        labelled = torch.arange(8) + 8 * (step % 5)
        loss = method.update(x[labelled], y[labelled], x[40 + step % 9 :: 9])
        time.sleep(0.05)
        if step % 6 == 5:
            print(f"{step + 1:3d} {loss:.4f}")
            state = {"student": method.student.state_dict(), "optimizer": method.optimizer.state_dict()}
            torch.save({**state, "step": step + 1}, FILE)  # saved
    sha = hashlib.sha256()
    for p in method.student.parameters():
        sha.update(p.detach().numpy().tobytes())
    print("fingerprint", sha.hexdigest())


if __name__ == "__main__":
    main()
