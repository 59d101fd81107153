import random

import numpy as np
import torch


def seed_streams(seed, rank=0):
    sequence = np.random.SeedSequence([seed, rank])
    a, b, c = (int(v) for v in sequence.generate_state(3))
    random.seed(a)
    np.random.seed(b)
    torch.manual_seed(c)


def seed_worker(worker_id):
    base = torch.initial_seed() % 2**32
    random.seed(base)
    np.random.seed(base)
