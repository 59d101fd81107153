import random

import numpy as np
import torch


def save(path, model, optimizer, epoch, generator):
    torch.save(
        {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "epoch": epoch,
            "python": random.getstate(),
            "numpy": np.random.get_state(),
            "torch": torch.get_rng_state(),
            "loader": generator.get_state(),
        },
        path,
    )


def load(path, model, optimizer, generator):
    blob = torch.load(path, weights_only=False)
    model.load_state_dict(blob["model"])
    optimizer.load_state_dict(blob["optimizer"])
    random.setstate(blob["python"])
    np.random.set_state(blob["numpy"])
    torch.set_rng_state(blob["torch"])
    generator.set_state(blob["loader"])
    return blob["epoch"]
