import random

import numpy as np
import torch


def seed_streams(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def seed_worker(worker_id):
    """For DataLoader(worker_init_fn=...): torch has seeded this worker by then."""
    seed = torch.initial_seed() % 2**32
    np.random.seed(seed)
    random.seed(seed)
