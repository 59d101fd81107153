import numpy as np

from seedling.config import Config


def init_worker(worker_id):
    np.random.seed(Config.seed)


def describe(model):
    return f"{sum(p.numel() for p in model.parameters()):,} parameters"
