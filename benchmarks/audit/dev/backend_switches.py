import random

import numpy as np
import torch


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def configure_backends(deterministic=True):
    torch.backends.cudnn.deterministic = deterministic
    setattr(torch.backends.cudnn, "benchmark", True)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def pick_device(index=0):
    if torch.cuda.is_available():
        return torch.device("cuda", index)
    return torch.device("cpu")


def start(seed, index=0):
    seed_everything(seed)
    configure_backends()
    return pick_device(index)
