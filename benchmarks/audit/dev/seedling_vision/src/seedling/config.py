import json
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Config:
    data: str = "seedlings.npz"
    batch_size: int = 32
    epochs: int = 20
    lr: float = 1e-3
    workers: int = 2
    seed: int = 0
    device: str = "cuda"


def load_config(path, seed=None):
    with open(path) as handle:
        config = Config(**json.load(handle))
    return config if seed is None else replace(config, seed=seed)
