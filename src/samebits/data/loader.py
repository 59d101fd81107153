"""A DataLoader that repeats: the same batches for any number of workers, and after a resume.

Every `iter()` is the next epoch.  For it the loader's generator is set from (seed, rank, epoch), the dataset
gets the epoch (`SampleSeeded`), and the order begins where a loaded state says.  Batches are counted as they
are handed out, so a state taken after step k says k however far the workers are ahead.  A state taken after
the last batch of an epoch is the start of the next one: whoever loads it gets no empty pass, unless a loop
that counts epochs itself says `set_epoch` of the one that has ended.

How each part gets to its place: a `ResumableSampler` is asked for its indices from a position on; a sampler
of the user's is run from its start within streams of its own, and the batches before are left out; an
iterable dataset reads on to the position; one that shares itself out to workers makes its batches again, and
they are thrown away.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from torch import Generator
from torch.utils.data import DataLoader, IterableDataset

from samebits.data.indices import EpochPosition, Indices
from samebits.data.passes import Batches, Pass
from samebits.data.resume import ResumableSampler, check_same, checked_count, checked_place
from samebits.data.samples import SampleSeeded
from samebits.data.workers import SeedWorker, loader_generator
from samebits.errors import StateError, UsageError, UsageTypeError
from samebits.seeding.derive import Key, checked_seed

_VERSION: Final = 1
_LOAD: Final = "SeededLoader.load_state_dict"


class SeededLoader(DataLoader[Any]):
    """`torch.utils.data.DataLoader` with a seed; everything else is given and works as there.

    The dataset becomes a `SampleSeeded` unless it is one, `shuffle` makes a `ResumableSampler`, and a
    `collate_fn` gets streams for what it draws itself.  A sampler or batch sampler of your own may draw from
    anything (its generator, `random`, numpy, torch): it runs within streams keyed by (seed, rank, epoch), so
    that each rank draws its own order; if it has a `set_epoch`, it is told the epoch.

    Each `iter()` is the next epoch, after a `break` as well.  Persistent workers, fork, spawn and several
    passes at once (without persistent workers) are all the same to it.

    Args:
        dataset: map-style or iterable.
        batch_size, shuffle, sampler, batch_sampler, num_workers, drop_last, collate_fn, worker_init_fn: as
            DataLoader's; sampler and batch_sampler may be plain lists; worker_init_fn is called after the
            worker was seeded.
        generator: a generator to use and to set for each epoch, which samplers may share; None makes one.
        seed: 0 .. 2**128 - 1, the same on every rank.
        rank, world_size: this process among how many; None asks torch.distributed, then the launchers'
            variables.  They share out the epoch between them, unless you give a sampler.
        split: for an iterable dataset, see `SampleSeeded`.
        options: DataLoader's other arguments.

    Raises:
        TypeError, ValueError: an argument that cannot be meant.
    """

    dataset: SampleSeeded

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        *,
        seed: int,
        rank: int | None = None,
        world_size: int | None = None,
        drop_last: bool = False,
        generator: Generator | None = None,
        worker_init_fn: Callable[[int], None] | None = None,
        split: Any = None,
        **options: Any,
    ) -> None:
        self.seed = checked_seed(seed, "SeededLoader")
        self.rank, self.world_size = checked_place(rank, world_size, "SeededLoader")
        if options.get("in_order") is False:
            raise UsageError(
                "SeededLoader: in_order=False hands batches out as the workers finish them, which no seed "
                "decides; leave it out"
            )
        if sampler is not None and shuffle:
            raise UsageError("SeededLoader: give a sampler or shuffle=True, not both")
        num_workers = checked_count(num_workers, "SeededLoader", "num_workers")
        for name, given in (("sampler", sampler), ("batch_sampler", batch_sampler)):
            if isinstance(given, Iterator):
                raise UsageTypeError(
                    f"SeededLoader: the {name} is an iterator, which is used up after one epoch; give a "
                    "list, or an object whose __iter__ begins anew"
                )
        is_iterable = isinstance(dataset, IterableDataset)
        dataset = self._seeded(dataset, batch_size, drop_last, num_workers, split)
        if not is_iterable and sampler is None and batch_sampler is None:
            sampler = ResumableSampler(
                len(dataset),
                seed=self.seed,
                shuffle=bool(shuffle),
                rank=self.rank,
                world_size=self.world_size,
                drop_last=drop_last,
            )
            shuffle = None
        super().__init__(
            dataset,
            batch_size,
            shuffle,
            sampler,
            batch_sampler,
            num_workers,
            None if collate_fn is None else dataset.collate(collate_fn),
            drop_last=drop_last,
            generator=Generator() if generator is None else generator,
            worker_init_fn=_WorkerInit(SeedWorker(self.seed, self.rank), worker_init_fn),
            **options,
        )
        if is_iterable:
            self._kind = "iterable"
        elif isinstance(self.sampler, ResumableSampler):
            self._kind = "shuffled" if self.sampler.shuffle else "sequential"
        else:
            self._kind = "own"
        key = Key(self.seed, ("sampler", self.rank))
        self._indices = Indices(super()._index_sampler, self.sampler, (self.batch_size, self.drop_last), key)
        self._next = EpochPosition(0)
        self._is_loaded = False  # the next place is that of a state
        self._ended: EpochPosition | None = None  # that of the state, if its epoch has ended
        self._under_way: weakref.ref[Batches] | None = None
        self._newest: Pass | None = None  # without its iterator, which would keep workers alive
        self._twin: SampleSeeded | None = None  # the persistent workers' dataset
        self._told = self._sampler_epoch()

    def _seeded(
        self, dataset: Any, batch_size: int | None, drop_last: bool, num_workers: int, split: Any
    ) -> SampleSeeded:
        size = batch_size or 1
        if not isinstance(dataset, SampleSeeded):
            return SampleSeeded(
                dataset,
                self.seed,
                rank=self.rank,
                world_size=self.world_size,
                batch_size=size,
                drop_last=drop_last,
                split=True if split is None else split,
            )
        if split is not None:
            raise UsageError("SeededLoader: the dataset is a SampleSeeded, so give split to that")
        if isinstance(dataset, IterableDataset):
            given = dataset._share.batch_size
            if given is None:
                dataset._share = dataset._share.with_batch_size(size)
            elif given != size and num_workers > 1:
                raise UsageError(
                    f"SeededLoader: the SampleSeeded was given batch_size={given}, this loader {batch_size}"
                )
        return dataset

    @property
    def epoch(self) -> int:
        """The epoch under way, or that of the next pass if none is."""
        return self._now().epoch

    def set_epoch(self, epoch: int) -> None:
        """Let the next pass go through `epoch`.

        From its start; only directly after `load_state_dict` of a state of that epoch it goes on where the
        state says, since loops call this at the start of each epoch.  If that is the epoch's end, the pass
        is empty.

        Raises:
            TypeError, ValueError: not an int of at least 0.
        """
        epoch = checked_count(epoch, "SeededLoader.set_epoch", "the epoch")
        if self._is_loaded and self._ended is not None and self._ended.epoch == epoch:
            self._will_begin(self._ended, is_loaded=True)
        elif not (self._is_loaded and self._next.epoch == epoch):
            self._will_begin(EpochPosition(epoch), is_loaded=False)

    def state_dict(self) -> dict[str, Any]:
        """Plain data: after which batch of which epoch the newest pass is.

        It is about the batches that were handed out.  Whoever ends epochs early with `break` calls
        ``set_epoch(epoch + 1)`` before taking a state that shall begin there.
        """
        now = self._now()
        return {
            "version": _VERSION,
            **self._identity(),
            "world_size": self.world_size,
            "batch_size": self.batch_size,
            "num_workers": self.num_workers,
            "epoch": now.epoch,
            "position": now.position,
            "batches": now.batches,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next pass go on after the batch that `state` was taken after.

        A state taken after the last batch of an epoch is the start of the next; of an iterable dataset that
        has no length nobody can know that it was the last, so that the rest of that epoch comes first, an
        empty pass.  Another number of workers makes no difference (unless ``split=False``).  With another
        number of ranks the order of samples goes on at the same place, unless it comes from a sampler of your
        own.

        Raises:
            StateError: a state of another seed, dataset length, kind of sampler or batch size (which may
                change with the number of ranks, if their product stays); of a place past the epoch's end; or
                a pass is under way, which it would not move.
            TypeError, ValueError: no state at all.
                Nothing has changed.
        """
        handed = None if self._under_way is None else self._under_way()
        if handed is not None and self._newest is not None and not self._newest.has_ended:
            raise StateError(
                f"{_LOAD}: an iterator of this loader exists already, and a state moves only the next one; "
                "load before iter(loader), or drop that iterator first"
            )
        check_same(_LOAD, state, {"version": _VERSION, **self._identity()})
        epoch, position, batches, size = (
            checked_count(state.get(name), _LOAD, f"the state's {name}")
            for name in ("epoch", "position", "batches", "world_size")
        )
        if not self._is_elastic():
            check_same(_LOAD, state, {"world_size": self.world_size})
        if self._replays():
            check_same(_LOAD, state, {"num_workers": self.num_workers})
        workers = checked_count(state.get("num_workers"), _LOAD, "the state's num_workers")
        mine, theirs = self.batch_size, state.get("batch_size")
        if theirs != mine:
            is_rescaled = size != self.world_size and isinstance(theirs, int) and mine is not None
            if not is_rescaled or (theirs or 0) * size != (mine or 0) * self.world_size:
                raise StateError(
                    f"{_LOAD}: the state is of batch_size={theirs} on {size} ranks, this has "
                    f"{self.batch_size} on {self.world_size}; the batches of a resumed epoch would be "
                    "others. Keep the batch size, or batch_size * world_size"
                )
        loaded = EpochPosition(epoch, position, batches)
        each = size * max(1, workers) * (theirs if isinstance(theirs, int) else 1)
        left = self._left(loaded, each)
        if left is not None and left < 0:
            raise StateError(
                f"{_LOAD}: the state is of position {position} after {batches} batches, which is past the "
                f"end of an epoch of {len(self.dataset)} samples; it is of another dataset or sampler, or "
                "damaged"
            )
        if left == 0 and (position or batches):
            self._will_begin(EpochPosition(epoch + 1), is_loaded=True)
            self._ended = loaded
        else:
            self._will_begin(loaded, is_loaded=True)

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        told = self._sampler_epoch()
        if told is not None and told != self._told:  # a trainer calls sampler.set_epoch
            self.set_epoch(told)
        begins = self._indices.begins = self._next
        self.generator.set_state(loader_generator(self.seed, self.rank, begins.epoch).get_state())
        self.dataset._set_place(begins.epoch, 0)
        for sampler in self._samplers():
            sampler.set_epoch(begins.epoch)
        self._told = self._sampler_epoch()
        if self._twin is not None:
            self._place(self._twin)
        iterator = super().__iter__()
        self._will_begin(EpochPosition(begins.epoch + 1), is_loaded=False)
        newest = Pass(begins, self._samples_each())
        self._newest = newest
        if self._replays():
            newest.skip(iterator)
        handed = Batches(iterator, newest)
        self._under_way = weakref.ref(handed)
        return handed

    def __getstate__(self) -> dict[str, Any]:
        # A copy, or what a spawned rank is given, has the passes that are to come, and not the one under way.
        return self.__dict__ | {"_under_way": None, "_newest": None}

    def _get_iterator(self) -> Any:
        # Each pass gets a dataset with an epoch of its own, so that one may begin before another has ended.
        dataset = self.dataset
        twin = dataset._twin()
        self._place(twin)
        if self.persistent_workers:
            self._twin = twin
        self.__dict__["dataset"] = twin
        try:
            return super()._get_iterator()
        finally:
            self.__dict__["dataset"] = dataset

    @property
    def _index_sampler(self) -> Any:
        # The hook of DataLoader for what is drawn from; `sampler` and `batch_sampler` stay the user's.
        return super()._index_sampler if self._kind == "iterable" else self._indices

    def _place(self, dataset: SampleSeeded) -> None:
        reads_on = self._kind == "iterable" and not self._replays()
        begins = self._indices.begins
        dataset._set_place(begins.epoch, begins.position if reads_on else 0)

    def _will_begin(self, place: EpochPosition, *, is_loaded: bool) -> None:
        self._next, self._is_loaded, self._newest, self._ended = place, is_loaded, None, None

    def _left(self, place: EpochPosition, each: int) -> int | None:
        """How many batches of the epoch follow on this rank; below 0 past its end; None: nobody knows.

        `each`: how many samples one batch of every worker of every rank counted at most; the last ones may
        have been shorter.
        """
        if isinstance(self.sampler, ResumableSampler) and self._kind != "own":
            if place.position >= self.sampler.length + each:
                return -1
            count = self.sampler.count(place.position)
            size = self.batch_size or 1
            return count // size if self.drop_last else -(-count // size)
        try:
            if self._kind == "own":
                return len(self._indices) - place.batches
            length = len(self.dataset.dataset)
        except (TypeError, NotImplementedError):
            return None
        if not self._is_elastic() or place.position < length:
            return None
        return 0 if place.position < length + each else -1

    def _now(self) -> EpochPosition:
        newest = self._newest
        return self._next if newest is None or newest.has_ended else newest.place

    def _replays(self) -> bool:
        """Whether a resumed pass makes the batches before once more, and throws them away."""
        return self._kind == "iterable" and self.dataset._share.split is False

    def _is_elastic(self) -> bool:
        return self._kind != "own" and (self._kind != "iterable" or self.dataset._share.split is True)

    def _samples_each(self) -> int:
        """How many samples all ranks together have had after each batch."""
        if self._kind == "own" or self._replays():
            return 0
        if isinstance(self.sampler, ResumableSampler):
            size = self.sampler.world_size
        else:
            size = self.world_size if self._is_elastic() else 1
        return size * (self.batch_size or 1)

    def _identity(self) -> dict[str, Any]:
        """What a state must agree in."""
        try:
            length = len(self.dataset)
            if self._kind == "iterable":
                length = len(self.dataset.dataset)
        except (TypeError, NotImplementedError):
            length = None
        order = self.sampler.seed if isinstance(self.sampler, ResumableSampler) else None
        return {
            "seed": self.seed,
            "samples_seed": self.dataset._seed,
            "order_seed": order,
            "length": length,
            "sampler": self._kind,
        }

    def _samplers(self) -> list[Any]:
        """Those of the user's that count epochs, and ours."""
        all_of_them = (self.sampler, getattr(self.batch_sampler, "sampler", None), self.batch_sampler)
        different = {id(one): one for one in all_of_them}.values()  # a list cannot be hashed
        return [one for one in different if callable(getattr(one, "set_epoch", None))]

    def _sampler_epoch(self) -> int | None:
        epochs = [getattr(one, "epoch", None) for one in self._samplers()]
        return next((epoch for epoch in epochs if isinstance(epoch, int)), None)


@dataclass(frozen=True, slots=True)
class _WorkerInit:
    """Seeds a worker, then calls the user's worker_init_fn."""

    seed_worker: SeedWorker
    also: Callable[[int], None] | None

    def __call__(self, worker_id: int) -> None:
        self.seed_worker(worker_id)
        if self.also is not None:
            self.also(worker_id)
