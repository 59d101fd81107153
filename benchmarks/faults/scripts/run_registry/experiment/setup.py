import random
import zlib
from dataclasses import dataclass

import torch

from experiment.naming import new_run_name


@dataclass
class Run:
    name: str
    seed: int


def start_run(prefix):
    name = new_run_name(prefix)
    return Run(name=name, seed=zlib.crc32(name.encode()))  # also


def apply_seed(run):
    random.seed(run.seed)
    torch.manual_seed(run.seed)
