"""Save and load the state of a training."""

import os

import torch

PATH = "latest.ckpt"


def save(step, **parts):
    states = {name: part.state_dict() for name, part in parts.items()}
    torch.save({"step": step, "torch": torch.get_rng_state(), **states}, PATH)  # also


def load(**parts):
    """Restore the parts; return the step to go on with."""
    if not os.path.exists(PATH):
        return 0
    saved = torch.load(PATH)  # planted
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    torch.set_rng_state(saved["torch"])  # also
    return saved["step"]
