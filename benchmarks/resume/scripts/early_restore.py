"""Distil a teacher into a student with dropout.  Goes on from distil.pt where there is one."""

import hashlib
import os
import time

import torch
from torch import nn

PATH = "distil.pt"


def network(width, drop):
    return nn.Sequential(nn.Linear(12, width), nn.ReLU(), nn.Dropout(drop), nn.Linear(width, 4))


def fingerprint(model):
    sha = hashlib.sha256()
    for p in model.parameters():
        sha.update(p.detach().numpy().tobytes())
    return sha.hexdigest()


if __name__ == "__main__":
    torch.manual_seed(21)
    x = torch.randn(192, 12)
    teacher = network(64, 0.0).eval()

    checkpoint = {}
    if os.path.exists(PATH):
        checkpoint = torch.load(PATH)  # loaded
        torch.set_rng_state(checkpoint["rng"])
        print("continuing after step", checkpoint["step"])

    student = network(16, 0.25)
    optimizer = torch.optim.Adam(student.parameters(), lr=5e-3)
    if checkpoint:
        student.load_state_dict(checkpoint["student"])
        optimizer.load_state_dict(checkpoint["optimizer"])

    for step in range(checkpoint.get("step", 0) + 1, 27):
        rows = torch.arange(32) + 32 * (step % 6)
        with torch.no_grad():
            goal = teacher(x[rows]).softmax(1)
        loss = nn.functional.cross_entropy(student(x[rows]), goal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        time.sleep(0.05)
        if step in (6, 12, 18, 24):
            state = {"step": step, "rng": torch.get_rng_state(), "student": student.state_dict()}
            torch.save({**state, "optimizer": optimizer.state_dict()}, PATH)  # saved

    print("fingerprint", fingerprint(student))
