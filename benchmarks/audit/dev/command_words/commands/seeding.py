import os

import torch


def seed_process(seed):
    os.environ["PYTHONHASHSEED"] = str(seed)
    torch.manual_seed(seed)


def strict_kernels():
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    torch.use_deterministic_algorithms(True)
