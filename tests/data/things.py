"""Datasets that draw in every way there is, and what tests ask of loaders."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, get_worker_info

#: Of torch's DataLoader, where a test uses more workers than the machine has processors.
MANY_WORKERS = "ignore:This DataLoader will create:UserWarning"


def row(*numbers: float) -> torch.Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def by_python() -> list[float]:
    return [random.random(), random.gauss(0, 1)]


def by_numpy() -> list[float]:
    return [np.random.rand(), np.random.normal()]


def by_torch() -> list[float]:
    return torch.randn(17, dtype=torch.float64)[:2].tolist()


class Pipeline:
    """Like albumentations' Compose: one generator of each kind, which its transforms share."""

    def __init__(self) -> None:
        self.random_generator = np.random.default_rng()
        self.py_random = random.Random()
        self.transforms = [self.py_random, {"noise": self.random_generator}]

    def __call__(self) -> list[float]:
        return [self.random_generator.normal(), self.py_random.gauss(0, 1)]


class Randomizable:
    """Like MONAI's: a RandomState of its own, in a slot."""

    __slots__ = ("R",)

    def __init__(self) -> None:
        self.R = np.random.RandomState()

    def __call__(self) -> list[float]:
        return [self.R.rand(), self.R.normal()]


class Own:
    """A torch.Generator in a closure."""

    def __init__(self) -> None:
        generator = torch.Generator()
        generator.seed()
        self.draw = lambda: torch.rand(2, generator=generator).tolist()

    def __call__(self) -> list[float]:
        return self.draw()


class Lazy:
    """Makes its generator when it is first called, with a seed from the operating system."""

    def __call__(self) -> list[float]:
        if not hasattr(self, "generator"):
            self.generator = np.random.default_rng()
        return [self.generator.random()]


MODULE_LEVEL = np.random.default_rng(5)


def by_module_level() -> list[float]:
    return [MODULE_LEVEL.random()]


WAYS = {
    "python": lambda: by_python,
    "numpy": lambda: by_numpy,
    "torch": lambda: by_torch,
    "albumentations": Pipeline,
    "monai": Randomizable,
    "closure": Own,
    "lazy": Lazy,
    "module": lambda: by_module_level,
}


class Draws(Dataset):
    """Sample i is its number and what it draws."""

    def __init__(self, length: int = 23, ways: Iterable[str] = ("python", "numpy", "torch")) -> None:
        self.length = length
        self.augment = [WAYS[way]() for way in ways]

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: Any) -> torch.Tensor:
        number = index if isinstance(index, int) else -1
        return row(number, *(drawn for draw in self.augment for drawn in draw()))


class Numbers(Dataset):
    def __init__(self, length: int = 23) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> int:
        return index


class Stream(IterableDataset):
    """Sample p is its place in a shuffle buffer's order, and what it draws."""

    def __init__(self, length: int = 23, ways: Iterable[str] = ("python", "numpy", "torch")) -> None:
        self.length = length
        self.augment = [WAYS[way]() for way in ways]

    def numbers(self) -> Iterable[int]:
        return range(self.length)

    def __iter__(self):
        buffer = []
        for number in self.numbers():
            buffer.append(number)
            if len(buffer) == 5:
                yield self.sample(buffer.pop(random.randrange(5)))
        while buffer:
            yield self.sample(buffer.pop(random.randrange(len(buffer))))

    def sample(self, number: int) -> torch.Tensor:
        return row(number, *(drawn for draw in self.augment for drawn in draw()))


class SharedOutStream(Stream):
    """Shares itself out to the workers, as torch's documentation advises."""

    def numbers(self) -> Iterable[int]:
        info = get_worker_info()
        return range(self.length) if info is None else range(info.id, self.length, info.num_workers)


def batches(loader: Iterable[Any]) -> list[torch.Tensor]:
    return [torch.as_tensor(batch).clone() for batch in loader]


def samples(loader: Iterable[Any]) -> list[tuple[float, ...]]:
    """The samples of a pass, in their order, whatever the batches."""
    return [tuple(one) for batch in batches(loader) for one in batch.tolist()]


def digest(*tensors: torch.Tensor) -> str:
    hasher = hashlib.sha256()
    for tensor in tensors:
        hasher.update(repr((tuple(tensor.shape), tensor.dtype)).encode())
        hasher.update(tensor.detach().contiguous().numpy().tobytes())
    return hasher.hexdigest()[:16]


def process_state() -> str:
    """Where python's, numpy's and torch's generators stand."""
    numpy = np.random.get_state(legacy=False)
    seen = (
        random.getstate(),
        repr(numpy),
        bytes(numpy["state"]["key"]),
        bytes(torch.get_rng_state().numpy()),
    )
    return hashlib.sha256(repr(seen).encode()).hexdigest()
