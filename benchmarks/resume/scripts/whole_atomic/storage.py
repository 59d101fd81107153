"""A state is on the disk wholly, or as it was before."""

import os
import tempfile

import torch


def save(state, path):
    number, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(number, "wb") as file:
        torch.save(state, file)  # saved
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, path)


def load(path):
    return torch.load(path) if path.exists() else None  # loaded
