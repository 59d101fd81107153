from dataclasses import dataclass


@dataclass
class Settings:
    seed: int
    epochs: int
    data: str = "commands.pt"
    batch_size: int = 64
    n_words: int = 35
    lr: float = 1e-3
