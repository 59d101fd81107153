"""A small training that can be killed after any batch, and resumed.

Run as a program it writes a checkpoint after every batch, and says so:

    python program.py FOLDER CONFIG
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import sys
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import BatchSampler, RandomSampler

from samebits.data import SeededLoader

if __name__ == "__main__":  # a program has no neighbours to import from relatively
    spec = importlib.util.spec_from_file_location("things", Path(__file__).with_name("things.py"))
    things = importlib.util.module_from_spec(spec)
    sys.modules["things"] = things
    spec.loader.exec_module(things)
else:
    from . import things


@dataclass(frozen=True)
class Config:
    kind: str = "shuffled"  # "sequential", "sampler", "batch_sampler", "iterable", "shared out"
    workers: int = 0
    persistent: bool = False
    batch_size: int | None = 3
    length: int = 13
    drop_last: bool = False
    seed: int = 7
    epochs: int = 2


def make_loader(config: Config) -> SeededLoader:
    ways = ["python", "numpy", "torch", "albumentations"]
    options: dict[str, Any] = {"batch_size": config.batch_size, "drop_last": config.drop_last}
    if config.kind == "iterable":
        dataset: Any = things.Stream(config.length, ways)
    elif config.kind == "shared out":
        dataset = things.SharedOutStream(config.length, ways)
        options["split"] = False
    else:
        dataset = things.Draws(config.length, ways)
    if config.kind in ("shuffled", "sequential"):
        options["shuffle"] = config.kind == "shuffled"
    elif config.kind == "sampler":  # draws its seed from the process-wide generator
        options["sampler"] = RandomSampler(dataset)
    elif config.kind == "batch_sampler":
        own = RandomSampler(dataset, generator=torch.Generator())
        options = {"batch_sampler": BatchSampler(own, config.batch_size or 1, config.drop_last)}
    return SeededLoader(
        dataset,
        num_workers=config.workers,
        persistent_workers=config.persistent and config.workers > 0,
        seed=config.seed,
        **options,
    )


class Training:
    """Weights, dropout and momentum; `history` holds a digest of each batch and the weights after it."""

    def __init__(self, config: Config, checkpoint: bytes | None = None) -> None:
        self.config = config
        torch.default_generator.manual_seed(config.seed)
        self.model = torch.nn.Sequential(
            torch.nn.Linear(9, 8), torch.nn.Dropout(0.3), torch.nn.Linear(8, 2)
        ).double()
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.01, momentum=0.9)
        self.loader = make_loader(config)
        self.history: list[str] = []
        if checkpoint is not None:
            state = torch.load(io.BytesIO(checkpoint), weights_only=True)
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            torch.set_rng_state(state["rng"])
            self.loader.load_state_dict(state["loader"])
            self.history = state["history"]

    def checkpoint(self) -> bytes:
        file = io.BytesIO()
        state = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "rng": torch.get_rng_state(),
            "loader": self.loader.state_dict(),
            "history": self.history,
        }
        torch.save(state, file)
        return file.getvalue()

    def run(self, steps: int | None = None, after_step: Any = lambda: None) -> bool:
        """Train to the end, or for a number of steps; whether the end was reached."""
        for _ in range(self.loader.epoch, self.config.epochs):
            for batch in self.loader:
                loss = self.model(batch.reshape(-1, 9).tanh()).square().mean()
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                self.history.append(things.digest(batch, *self.model.parameters()))
                after_step()
                if steps is not None and (steps := steps - 1) == 0:
                    return False
        return True


def main(folder: Path, config: Config) -> None:
    path = folder / "checkpoint.pt"
    training = Training(config, path.read_bytes() if path.exists() else None)

    def save() -> None:
        new = folder / "checkpoint.new"
        new.write_bytes(training.checkpoint())
        os.replace(new, path)
        print(len(training.history), flush=True)

    training.run(after_step=save)
    (folder / "history.json").write_text(json.dumps(training.history))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]), Config(**json.loads(sys.argv[2])))

__all__ = ["Config", "Training", "asdict"]
