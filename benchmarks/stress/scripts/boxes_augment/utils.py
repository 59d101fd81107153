"""What makes a run repeatable: a seed for every generator, and one for each worker."""

import random

import augmenters
import numpy as np
import torch


def provide_determinism(seed=42):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    augmenters.seed(seed)


def worker_seed_set(worker_id):
    uint64_seed = torch.initial_seed()
    np.random.seed(np.random.SeedSequence([uint64_seed]).generate_state(4))
    random.seed(uint64_seed % 2**32)
