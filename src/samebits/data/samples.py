"""Samples that are the same whoever makes them: each draws from streams keyed by (seed, epoch, index).

Which worker makes a sample, after which others, in which batch and on which rank then no longer matters, so
the same bits come from any number of workers, persistent or not, and again after a resume.  The streams are
those of python, numpy and torch, and of the generator objects that the dataset and its transforms hold.

The epoch lies in shared memory, where persistent workers see it change.  Forgetting it would repeat every
augmentation each epoch without a word (Lightning#20412), so a DataLoader that asks for a sample before any
epoch was set gets an error.

An iterable dataset is run as a whole in every worker, and a sample is keyed by its position; each worker
keeps its share (`samebits.data.share`).
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import torch
from torch.utils.data import Dataset, IterableDataset, get_worker_info
from torch.utils.data._utils import worker as torch_worker

from samebits.data.resume import LIMIT, checked_count, checked_place
from samebits.data.sample_streams import SampleStreams, SeededCollate
from samebits.data.share import Share, Split
from samebits.errors import UsageError, UsageTypeError
from samebits.seeding.derive import Key, checked_seed

_UNSET: Final = -1
_OWN: Final = (
    "_seed",
    "_dataset",
    "_transform",
    "_streams",
    "_cell",
    "_view",
    "_digests",
    "_passes",
    "_share",
)


class SampleSeeded(Dataset[Any]):
    """A dataset whose samples draw from streams of their own.

    ``SampleSeeded(dataset, seed)`` is map-style or an `IterableDataset`, as `dataset` is.  Attributes of
    `dataset` can be read and set through it; `.dataset` is the dataset itself.

    Before each pass of a plain DataLoader call `set_epoch`; `SeededLoader` does so itself.

    Args:
        dataset: map-style, with int, str or tuple indices, or iterable.
        seed: 0 .. 2**128 - 1, the same on every rank.
        transform: called with each sample, within its streams.  For an iterable dataset, whose samples every
            worker reads, it runs only for those that this worker keeps.
        batch_size: of the DataLoader (1 for its ``batch_size=None``); only needed for an iterable dataset
            with more than one worker.
        rank, world_size: for an iterable dataset: this process keeps the positions p with
            ``p % world_size == rank``.  None asks torch.distributed, then the launchers' variables.
        split: for an iterable dataset: False if it shares itself out to ranks and workers.  Nothing is left
            out then, and samples are keyed by (rank, worker, number of workers, position): the bits depend on
            these numbers.  "workers": it shares itself out to ranks alone.
        drop_last: for an iterable dataset: leave out the last samples where not every rank would get one.
            Otherwise some ranks may have one sample more.

    Raises:
        TypeError, ValueError: an argument that cannot be meant.
    """

    _seed: int
    _dataset: Any
    _transform: Callable[[Any], Any] | None
    _streams: SampleStreams
    _cell: torch.Tensor  # int64: the epoch, and the global position to start from
    _share: Share

    def __new__(cls, dataset: Any = None, *_: Any, **__: Any) -> SampleSeeded:
        if cls is SampleSeeded:
            cls = _IterableSamples if isinstance(dataset, IterableDataset) else _MapSamples
        return super().__new__(cls)

    def __init__(
        self,
        dataset: Any,
        seed: int,
        *,
        transform: Callable[[Any], Any] | None = None,
        batch_size: int | None = None,
        rank: int | None = None,
        world_size: int | None = None,
        split: Split = True,
        drop_last: bool = False,
    ) -> None:
        if isinstance(dataset, SampleSeeded):
            raise UsageTypeError(
                "SampleSeeded: the dataset is a SampleSeeded already; give it the dataset within"
            )
        if not hasattr(dataset, "__iter__" if isinstance(self, IterableDataset) else "__getitem__"):
            raise UsageTypeError(f"SampleSeeded: expected a dataset, got {type(dataset).__name__}")
        if transform is not None and not callable(transform):
            raise UsageTypeError(
                f"SampleSeeded: the transform must be callable, got {type(transform).__name__}"
            )
        if split not in (True, False, "workers"):
            raise UsageError(f"SampleSeeded: split must be True, False or 'workers', got {split!r}")
        if batch_size is not None and checked_count(batch_size, "SampleSeeded", "the batch size") == 0:
            raise UsageError("SampleSeeded: the batch size must be at least 1, got 0")
        self._seed = checked_seed(seed, "SampleSeeded")
        self._share = Share(split, *checked_place(rank, world_size, "SampleSeeded"), batch_size, drop_last)
        self._dataset = dataset
        self._transform = transform
        self._streams = SampleStreams({"dataset": dataset, "transform": transform})
        self._own_place()
        self._forget()
        if callable(getattr(dataset, "state_dict", None)) and not isinstance(self, IterableDataset):
            # Who resumes a stateful dataset looks for these without asking __getattr__ (typing.Protocol).
            self.__dict__["state_dict"] = dataset.state_dict
            self.__dict__["load_state_dict"] = getattr(dataset, "load_state_dict", None)

    def _own_place(self) -> None:
        self._cell = shared(torch.tensor([_UNSET, 0], dtype=torch.int64))
        self._view = self._cell.numpy()

    def _forget(self) -> None:
        """What belongs to one process."""
        self._view = self._cell.numpy()
        self._digests: Callable[[int, int], bytes] = Key(self._seed, ("sample",)).numbered()
        self._passes = 0  # of an iterable dataset, while no epoch was set

    @property
    def dataset(self) -> Any:
        """The dataset within."""
        return self._dataset

    @property
    def epoch(self) -> int | None:
        """The epoch whose streams samples draw from; None if none was set."""
        epoch = int(self._view[0])
        return None if epoch == _UNSET else epoch

    def set_epoch(self, epoch: int) -> None:
        """Let samples draw from the streams of `epoch` (0, 1, ...), in persistent workers too.

        Handed on to the dataset within, if it has a `set_epoch`: also in each worker, before its first sample
        of the epoch.

        Raises:
            TypeError, ValueError: not an int of at least 0.
        """
        self._set_place(checked_count(epoch, "SampleSeeded.set_epoch", "the epoch"), 0)

    def _set_place(self, epoch: int, start: int) -> None:
        self._view[0], self._view[1] = epoch, start
        _hand_on(self._dataset, epoch)

    def _twin(self) -> SampleSeeded:
        """The same samples, with an epoch of its own."""
        twin = copy.copy(self)
        twin._own_place()
        return twin

    def collate(self, collate_fn: Callable[[Any], Any]) -> SeededCollate:
        """`collate_fn` with streams for its own draws (mixup, random sizes), keyed by the batch's samples.

        ``DataLoader(samples, collate_fn=samples.collate(collate_fn))``.
        """
        self._streams.owners["collate_fn"] = collate_fn
        return SeededCollate(collate_fn, self._streams)

    def __len__(self) -> int:
        return len(self._dataset)

    def __getattr__(self, name: str) -> Any:
        # Unpickling and copying ask before there is a dataset.
        if "_dataset" not in self.__dict__ or (name.startswith("__") and name.endswith("__")):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._dataset, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN or hasattr(SampleSeeded, name):
            object.__setattr__(self, name, value)
        else:
            setattr(self._dataset, name, value)
            self._streams.forget()

    def __repr__(self) -> str:
        return f"SampleSeeded({self._dataset!r}, {self._seed})"

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        for name in ("_view", "_digests", "_passes"):
            state.pop(name, None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        shared(self._cell)  # plain pickle and deepcopy make a copy
        self._forget()

    def _epoch_for(self, *, loader: bool) -> int:
        """The epoch, which a DataLoader must have set."""
        epoch = int(self._view[0])
        if epoch == _UNSET:
            if loader:
                raise UsageError(
                    "SampleSeeded: samples are asked for, but no epoch was set, so each epoch would augment "
                    "alike. Call set_epoch(epoch) on the dataset (or on a ResumableSampler of it) "
                    "before each epoch, or use samebits.data.SeededLoader, which counts epochs itself."
                )
            epoch = 0
        if self._streams.begin(epoch) and get_worker_info() is not None:
            _hand_on(self._dataset, epoch)
        return epoch


class _MapSamples(SampleSeeded):
    def __getitem__(self, index: Any) -> Any:
        return self._make([index], self._epoch_for(loader=get_worker_info() is not None))[0]

    def __getitems__(self, indices: Sequence[Any]) -> list[Any]:  # a DataLoader's way, pytorch#91648
        return self._make(indices, self._epoch_for(loader=True))

    def _make(self, indices: Sequence[Any], epoch: int) -> list[Any]:
        streams, numbered = self._streams, self._digests
        digests = [
            numbered(epoch, index)
            if type(index) is int and 0 <= index < LIMIT
            else self._digest(epoch, index)
            for index in indices
        ]
        make = self._dataset.__getitem__ if self._transform is None else self._transformed
        saved = streams.enter()
        try:
            return streams.make(digests, make, indices)
        finally:
            streams.leave(saved)

    def _transformed(self, index: Any) -> Any:
        assert self._transform is not None
        return self._transform(self._dataset[index])

    def _digest(self, epoch: int, index: Any) -> bytes:
        if not isinstance(index, str | tuple | list):
            number = _number(index)
            if number < 0 and hasattr(self._dataset, "__len__"):
                number += len(self._dataset)  # the sample that [-1] gives is the last one's
            if 0 <= number < LIMIT:
                return self._digests(epoch, number)
        return Key(self._seed, ("sample", epoch, *_encoded(index))).digest()


class _IterableSamples(SampleSeeded, IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        again = self._passes > 0
        self._passes += 1
        epoch = self._epoch_for(loader=again or get_worker_info() is not None)
        return _Pass(self, epoch, int(self._view[1]))

    def __len__(self) -> int:
        """Samples of a whole epoch on this rank."""
        return self._share.count(len(self._dataset))


class _Pass(Iterator[Any]):
    """One pass over an iterable dataset, in one process."""

    def __init__(self, owner: _IterableSamples, epoch: int, start: int) -> None:
        self._owner, self._epoch, self._start = owner, epoch, start
        self._keeps = owner._share.keeps()
        prefix, self._hides_worker = owner._share.prefix()
        key = Key(owner._seed, ("sample", *prefix))
        self._digests = owner._digests if not prefix else key.numbered()
        self._beginning = key.child(epoch, "iter").digest()
        self._inner: Iterator[Any] | None = None
        self._position = 0  # of the next sample of the dataset within
        self._until = 0  # positions below were handed out already

    def __next__(self) -> Any:
        owner = self._owner
        streams = owner._streams
        saved = streams.enter()
        info = torch_worker._worker_info
        if self._hides_worker:  # one that sees workers shares itself out, and that twice
            torch_worker._worker_info = None
        try:
            return self._take(owner, streams)
        finally:
            torch_worker._worker_info = info
            streams.leave(saved)

    def _take(self, owner: _IterableSamples, streams: SampleStreams) -> Any:
        held: list[Any] = []
        while True:
            if self._inner is None:
                streams.set(self._beginning)
                self._inner = iter(owner._dataset)
            position = self._position
            digest = self._digests(self._epoch, position)
            streams.set(digest)
            sample = next(self._inner)  # the end of it is ours
            if position == 0 and streams.found_more():
                self._inner = None
                continue
            self._position += 1
            mine, complete = self._keeps(position - self._start)
            if mine and position >= self._until:
                if owner._transform is not None:
                    sample = owner._transform(sample)
                streams.note([digest])
                held.append(sample)
            if held and complete:
                return held[0]

    def state_dict(self) -> dict[str, Any]:
        """For torchdata's StatefulDataLoader: a resumed pass reads up to its position again."""
        return {"epoch": self._epoch, "start": self._start, "position": self._position}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.__init__(self._owner, state["epoch"], state["start"])  # type: ignore[misc]
        self._until = state["position"]


def shared(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor, moved into shared memory."""
    tensor.share_memory_()  # type: ignore[no-untyped-call]
    return tensor


def _hand_on(dataset: Any, epoch: int) -> None:
    """Tell the dataset within, or those that it is made of (Subset, ConcatDataset), if they have epochs."""
    if dataset is None or isinstance(dataset, type):
        return
    set_epoch = getattr(dataset, "set_epoch", None)
    if callable(set_epoch):
        set_epoch(epoch)
        return
    parts = getattr(dataset, "datasets", None)
    for part in [getattr(dataset, "dataset", None), *(parts if isinstance(parts, list | tuple) else ())]:
        if isinstance(part, Dataset):
            _hand_on(part, epoch)


def _number(index: Any) -> int:
    try:
        return operator.index(index)
    except TypeError:
        raise UsageTypeError(
            f"SampleSeeded: an index must be an int, a str, or a tuple or list of these, got {index!r} "
            f"({type(index).__name__}); the streams of a sample are keyed by it"
        ) from None


def _encoded(index: Any) -> tuple[int | str, ...]:
    """An index as parts of a key, no two alike: each but the plain number begins with its kind."""
    if isinstance(index, str):
        return "str", str(index)
    if isinstance(index, tuple | list):
        parts = [part for one in index for part in _encoded(one)]
        return "tuple", len(index), *parts
    number = _number(index)
    return (number,) if number >= 0 else ("minus", -number)
