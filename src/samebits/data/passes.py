"""One pass over a loader, and how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from samebits.data.indices import EpochPosition, past_the_end


class Pass:
    """How far one pass is, counted in batches that were handed out."""

    def __init__(self, begins: EpochPosition, samples_each: int) -> None:
        self._begins, self._samples_each = begins, samples_each
        self.handed_out = 0
        self.has_ended = False

    @property
    def place(self) -> EpochPosition:
        begins, count = self._begins, self.handed_out
        return EpochPosition(
            begins.epoch, begins.position + count * self._samples_each, begins.batches + count
        )

    def skip(self, iterator: Iterator[Any]) -> None:
        for number in range(self._begins.batches):
            if next(iterator, self) is self:
                raise past_the_end(number, self._begins.batches)


class Batches(Iterator[Any]):
    """DataLoader's iterator, counted; its attributes are that one's."""

    def __init__(self, iterator: Any, counted: Pass) -> None:
        self._iterator, self._pass = iterator, counted

    def __next__(self) -> Any:
        try:
            batch = next(self._iterator)
        except StopIteration:
            self._pass.has_ended = True
            raise
        self._pass.handed_out += 1
        return batch

    def __len__(self) -> int:
        return len(self._iterator)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_iterator":
            raise AttributeError(name)
        return getattr(self._iterator, name)
