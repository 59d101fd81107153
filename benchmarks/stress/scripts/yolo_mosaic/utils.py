"""Seeds, and what an image goes through before the network."""

import random

import numpy as np
import torch


def seed_everything(seed=11):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def worker_init_fn(worker_id, rank, seed):
    worker_seed = rank + seed
    random.seed(worker_seed)  # also # twin
    np.random.seed(worker_seed)  # also # twin
    torch.manual_seed(worker_seed)


def preprocess_input(image):
    return image / 255.0
