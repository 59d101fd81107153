"""The order of samples: a pure function of (seed, epoch), so that a position in it is all there is to save.

The order of an epoch is one permutation, the same on every rank and for any number of ranks.  Rank r of W
takes the positions G + r, G + r + W, ... of it, where G is the number of samples that all ranks together had
before: 0, or what a checkpoint says.  So another number of ranks goes on at the same place of the same order.

A sampler is asked ahead: workers prefetch, so what was drawn from it is more than what was trained on.
`SeededLoader` counts what it hands out; torchdata's StatefulDataLoader keeps the state that its iterator had
when it drew the batch (`_BatchSamplerIterator` in torchdata/stateful_dataloader/sampler.py), which is why the
iterators here have a state of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sized
from typing import TYPE_CHECKING, Any, Final

from torch.utils.data import Sampler

from samebits.errors import StateError, UsageError, UsageTypeError
from samebits.seeding.derive import Key, checked_seed
from samebits.seeding.ranks import checked_rank, place

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Numbers of epochs and samples are below this.
LIMIT: Final = 2**62


class ResumableSampler(Sampler[int]):
    """Random or sequential indices for this rank, with exact resume in the middle of an epoch.

    Each new iterator is the next epoch, unless `set_epoch` says which; `state_dict` says how far the newest
    one has been drawn.  Without `drop_last` the ranks are made even by beginning the order anew, as
    torch's DistributedSampler does.

    Args:
        dataset: a dataset, or its length.  An epoch that begins is handed on to its `set_epoch`, if it has
            one (`SampleSeeded` has).
        seed: 0 .. 2**128 - 1, the same on every rank.
        shuffle: False gives 0, 1, 2, ...
        rank, world_size: this process among how many; None asks torch.distributed, then the launchers'
            variables.
        drop_last: leave out the tail that the ranks cannot share evenly, instead of filling it up.

    Raises:
        TypeError, ValueError: a length, seed, rank or world size that cannot be meant.
    """

    def __init__(
        self,
        dataset: Sized | int,
        *,
        seed: int,
        shuffle: bool = True,
        rank: int | None = None,
        world_size: int | None = None,
        drop_last: bool = False,
    ) -> None:
        self._set_dataset_epoch = getattr(dataset, "set_epoch", None)
        self.length = checked_count(
            dataset if isinstance(dataset, int) else len(dataset), "ResumableSampler", "the dataset's length"
        )
        self.seed = checked_seed(seed, "ResumableSampler")
        self.rank, self.world_size = checked_place(rank, world_size, "ResumableSampler")
        self.shuffle = bool(shuffle)
        self.drop_last = bool(drop_last)
        self._next = (0, 0)  # epoch and position of the next iterator
        self._newest: _Order | None = None
        self._ended: tuple[int, int] | None = None  # the place of a loaded state whose epoch has ended
        self._loads = 0  # how many states were loaded

    def __repr__(self) -> str:
        return (
            f"ResumableSampler({self.length}, seed={self.seed}, shuffle={self.shuffle}, rank={self.rank}, "
            f"world_size={self.world_size}, drop_last={self.drop_last})"
        )

    @property
    def epoch(self) -> int:
        """The epoch that the next iterator goes through."""
        return self._next[0]

    def set_epoch(self, epoch: int) -> None:
        """Let the next iterator go through `epoch`.

        From its start; only directly after `load_state_dict` of a state of that epoch it goes on where the
        state says, since loops call this at the start of each epoch.  If that is the epoch's end, the pass
        is empty.
        """
        epoch = checked_count(epoch, "ResumableSampler.set_epoch", "the epoch")
        if self._newest is None and self._ended is not None and self._ended[0] == epoch:
            self._next = self._ended
        else:
            self._next = (epoch, self._next[1] if self._newest is None and self._next[0] == epoch else 0)
        self._newest = self._ended = None

    def __len__(self) -> int:
        """Samples of a whole epoch on this rank."""
        return self.count(0)

    def count(self, position: int) -> int:
        """Samples on this rank from the global `position` to the end of an epoch."""
        left = max(0, self.length - position)
        return left // self.world_size if self.drop_last else -(-left // self.world_size)

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """The whole order of an epoch, of all ranks.  Shape (length,), int64."""
        import numpy as np

        if not self.shuffle:
            return np.arange(self.length, dtype=np.int64)
        return Key(self.seed, ("order", epoch)).permutation(self.length)

    def indices(self, epoch: int, position: int = 0) -> list[int]:
        """This rank's indices from the global `position` of an epoch to its end."""
        import numpy as np

        mine = position + self.rank + self.world_size * np.arange(self.count(position), dtype=np.int64)
        chosen: list[int] = self.order(epoch)[mine % max(1, self.length)].tolist()
        return chosen

    def __iter__(self) -> Iterator[int]:
        return _Order(self, *self._next)

    def state_dict(self) -> dict[str, Any]:
        """Plain data: which order, and how far the newest iterator was drawn.  The same on every rank."""
        epoch, position = self._next if self._newest is None else self._newest.at
        return {
            "seed": self.seed,
            "length": self.length,
            "shuffle": self.shuffle,
            "epoch": epoch,
            "position": position,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next iterator go on where `state` was taken; the number of ranks may be another.

        A state taken at the end of an epoch is the start of the next.  The next iterator is the next that is
        drawn from, also where it was made before.

        Raises:
            StateError: a state of another order (seed, length, shuffle), or of a position past its end.
            TypeError, ValueError: no state.  Nothing has changed.
        """
        self._next = epoch, position = self._checked(state)
        self._newest = self._ended = None
        self._loads += 1
        if position and not self.count(position):
            self._next, self._ended = (epoch + 1, 0), (epoch, position)

    def _checked(self, state: Mapping[str, Any]) -> tuple[int, int]:
        check_same(
            "ResumableSampler.load_state_dict",
            state,
            {"seed": self.seed, "length": self.length, "shuffle": self.shuffle},
        )
        epoch, position = (
            checked_count(state.get(name), "ResumableSampler.load_state_dict", f"the state's {name}")
            for name in ("epoch", "position")
        )
        if position > self.length:
            raise StateError(
                f"ResumableSampler.load_state_dict: the state's position {position} is past the end of an "
                f"epoch of {self.length} samples; the state is damaged"
            )
        return epoch, position

    def _begins(self, order: _Order) -> None:
        self._newest, self._next, self._ended = order, (order.at[0] + 1, 0), None
        if self._set_dataset_epoch is not None:
            self._set_dataset_epoch(order.at[0])


class _Order(Iterator[int]):
    """One pass.  It begins, and the sampler's next epoch with it, when it is first drawn from.

    DataLoaders make iterators that they never use (`_BaseDataLoaderIter._reset`): making one changes nothing.
    """

    def __init__(self, sampler: ResumableSampler, epoch: int, position: int) -> None:
        self._sampler = sampler
        self._epoch, self._position = epoch, position
        self._indices: list[int] | None = None
        self._drawn = 0
        self._loads = sampler._loads

    @property
    def at(self) -> tuple[int, int]:
        """The epoch and the global position, after what was drawn."""
        position = self._position + self._drawn * self._sampler.world_size
        return self._epoch, max(self._position, min(position, self._sampler.length))

    def __next__(self) -> int:
        if self._indices is None:
            if self._loads != self._sampler._loads:  # a state was loaded since this was made
                self._epoch, self._position = self._sampler._next
            self._indices = self._sampler.indices(self._epoch, self._position)
            self._sampler._begins(self)
        if self._drawn == len(self._indices):
            raise StopIteration
        self._drawn += 1
        return self._indices[self._drawn - 1]

    def state_dict(self) -> dict[str, Any]:
        epoch, position = self.at
        return {**self._sampler.state_dict(), "epoch": epoch, "position": position}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._epoch, self._position = self._sampler._checked(state)
        self._indices, self._drawn = self._sampler.indices(self._epoch, self._position), 0
        self._sampler._begins(self)


def checked_count(number: object, caller: str, what: str) -> int:
    """`number` as an int of 0 .. 2**62 - 1; TypeError or ValueError names `what`."""
    if isinstance(number, bool) or not hasattr(number, "__index__"):
        raise UsageTypeError(f"{caller}: {what} must be an int, got {number!r} ({type(number).__name__})")
    value = int(number.__index__())
    if not 0 <= value < LIMIT:
        raise UsageError(f"{caller}: {what} must be in 0 .. 2**62 - 1, got {value}")
    return value


def checked_place(rank: int | None, world_size: int | None, caller: str) -> tuple[int, int]:
    """The rank and world size that were given, or this process's own."""
    size = place().world_size if world_size is None else checked_count(world_size, caller, "the world size")
    number = 0 if rank is None and size == 1 else checked_rank(rank, caller)
    if number >= size:
        raise UsageError(f"{caller}: the rank must be below the world size; got rank {number} of {size}")
    return number, size


def check_same(caller: str, state: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """StateError for the first entry of a loaded state that is missing or another."""
    if not isinstance(state, Mapping):
        raise UsageTypeError(
            f"{caller}: the state must be a dict from state_dict(), got {type(state).__name__}"
        )
    for name, value in expected.items():
        if name not in state:
            raise StateError(f"{caller}: the state has no {name!r}; it is of no state_dict() of this class")
        if state[name] != value:
            raise StateError(
                f"{caller}: the state is of {name}={state[name]!r}, this has {name}={value!r}; a state "
                "continues only what it was taken of"
            )
