"""What a `SeededLoader` draws its indices from: any sampler, from any place of any epoch on.

A `ResumableSampler` is asked for its indices from a position on.  A sampler of the user's is run from its
start, within streams keyed by (seed, rank, epoch), and what was drawn before the place is left out: whatever
it draws from, its order is a function of these, and it moves no other stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch.utils.data import BatchSampler

from samebits.data.resume import ResumableSampler
from samebits.data.sample_streams import SampleStreams
from samebits.errors import StateError
from samebits.seeding.derive import Key


@dataclass(frozen=True, slots=True)
class EpochPosition:
    """Where a pass begins."""

    epoch: int
    position: int = 0  # samples of the epoch that all ranks together have had
    batches: int = 0  # batches of the epoch that this rank has had


def past_the_end(there: int, wanted: int) -> StateError:
    """For a loaded state whose place is seen not to exist only when the pass reaches it."""
    return StateError(
        f"SeededLoader: the loaded state is of a place after {wanted} batches, and the epoch ended after "
        f"{there}; it is of another dataset or sampler, or damaged"
    )


class Indices:
    """What indices, or lists of them, are drawn from: each iterator goes through one epoch of its own.

    It must not refer to the loader: persistent workers end when their loader's last reference goes.
    """

    def __init__(self, drawn: Any, sampler: Any, batch: tuple[int | None, bool], key: Key) -> None:
        self._drawn, self._sampler, self._batch, self._key = drawn, sampler, batch, key
        self.begins = EpochPosition(0)  # the next iterator's

    def __len__(self) -> int:
        return len(self._drawn)

    def __iter__(self) -> Iterator[Any]:
        if isinstance(self._sampler, ResumableSampler):
            return self._resumed(self._sampler, self.begins)
        return self._own(self.begins)

    def _resumed(self, sampler: ResumableSampler, begins: EpochPosition) -> Iterator[Any]:
        indices = sampler.indices(begins.epoch, begins.position)
        size, drop_last = self._batch
        yield from indices if size is None else BatchSampler(indices, size, drop_last)

    def _own(self, begins: EpochPosition) -> Iterator[Any]:
        """The user's sampler, within streams of its own: what it draws moves no other, and repeats."""
        streams = SampleStreams({"sampler": self._drawn})
        streams.begin(begins.epoch)
        iterator: Iterator[Any] | None = None
        inside = None
        number = 0
        while True:
            outside = streams.save()
            try:
                if iterator is None:
                    streams.set(self._key.child(begins.epoch).digest())
                    iterator = iter(self._drawn)
                else:
                    streams.put_back(inside)
                indices = next(iterator)
                inside = streams.state()
            except StopIteration:
                if number < begins.batches:
                    raise past_the_end(number, begins.batches) from None
                return
            finally:
                streams.leave(outside)
            number += 1
            if number > begins.batches:
                yield indices
