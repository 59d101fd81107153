import random

import numpy as np
import torch


def snapshot(trainer, generator, epoch):
    return {
        "model": trainer.model.state_dict(),
        "optimizer": trainer.optimizer.state_dict(),
        "epoch": epoch,
        "streams": (random.getstate(), np.random.get_state(), torch.get_rng_state(), generator.get_state()),
    }


def restore(path, trainer, generator):
    state = torch.load(path, weights_only=False)
    trainer.model.load_state_dict(state["model"])
    trainer.optimizer.load_state_dict(state["optimizer"])
    python, array, tensor, order = state["streams"]
    random.setstate(python)
    np.random.set_state(array)
    torch.set_rng_state(tensor)
    generator.set_state(order)
    return state["epoch"] + 1
