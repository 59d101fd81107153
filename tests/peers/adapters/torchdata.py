"""torchdata's names: a sampler that stays in its epoch until told, with positions counted on its own rank."""

from __future__ import annotations

import importlib.util
import unittest
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import torch

from samebits.data import ResumableSampler, SeededLoader


class StatefulDistributedSampler(ResumableSampler):
    _EPOCH = "epoch"
    _YIELDED = "yielded"

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.dataset, self.next_yielded, self._epoch = dataset, None, 0
        super().__init__(
            dataset, seed=seed, shuffle=shuffle, rank=rank, world_size=num_replicas, drop_last=drop_last
        )

    @property
    def num_replicas(self) -> int:
        return self.world_size

    @property
    def yielded(self) -> int:
        return self.state_dict()[self._YIELDED]

    @yielded.setter
    def yielded(self, count: int) -> None:
        self.load_state_dict({**self.state_dict(), self._YIELDED: count})

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        return {self._EPOCH: state["epoch"], self._YIELDED: state["position"] // self.world_size}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        position = state[self._YIELDED] * self.world_size
        super().load_state_dict({**super().state_dict(), "epoch": state[self._EPOCH], "position": position})
        self.next_yielded = state[self._YIELDED]

    def __iter__(self) -> Iterator[int]:
        if self.next_yielded is None:
            self.set_epoch(self._epoch)
        self.next_yielded = None
        return super().__iter__()

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch
        super().set_epoch(epoch)


def stateful_data_loader(
    dataset: Any, batch_size: int = 1, shuffle: bool | None = None, sampler: Any = None
) -> SeededLoader:
    if sampler is None:  # the order comes from a number of torch's generator, as in torch's own loader
        seed = int(torch.empty((), dtype=torch.int64).random_())
        return SeededLoader(dataset, batch_size, shuffle, seed=seed)
    return SeededLoader(
        dataset,
        batch_size,
        sampler=sampler,
        seed=sampler.seed,
        rank=sampler.rank,
        world_size=sampler.world_size,
    )


def modules() -> dict[str, ModuleType]:
    loader, samplers = ModuleType("loader"), ModuleType("samplers")
    loader.StatefulDataLoader = stateful_data_loader
    samplers.StatefulDistributedSampler = StatefulDistributedSampler
    samplers.RandomSampler = None  # imported by their file and not used
    stand_ins = {
        "torchdata.stateful_dataloader": loader,
        "torchdata.stateful_dataloader.sampler": samplers,
    }
    if importlib.util.find_spec("expecttest") is None:  # torch's test helpers derive from its TestCase
        expect = ModuleType("expecttest")
        expect.TestCase = unittest.TestCase
        stand_ins["expecttest"] = expect
    return stand_ins
