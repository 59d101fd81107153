"""Which positions of an iterable dataset a process keeps.

The ranks take turns, and the workers take whole batches: batch k = position // batch_size belongs to worker
k % num_workers.  That is the order in which a DataLoader asks its workers, so batches come out in the same
order for any number of them, and only the last can be short.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch.utils.data import get_worker_info

from samebits.errors import UsageError

Split = bool | Literal["workers"]


class Share:
    """Which positions of an iterable dataset a process keeps."""

    def __init__(
        self, split: Split, rank: int, world_size: int, batch_size: int | None, drop_last: bool
    ) -> None:
        self.split, self.rank, self.world_size = split, rank, world_size
        self.batch_size, self.drop_last = batch_size, bool(drop_last)

    def with_batch_size(self, size: int) -> Share:
        return Share(self.split, self.rank, self.world_size, size, self.drop_last)

    def prefix(self) -> tuple[tuple[int | str, ...], bool]:
        """What samples are keyed by beside their position; whether the dataset must not see workers."""
        if self.split is True:
            return (), True
        if self.split == "workers":
            return ("rank", self.rank), True
        info = get_worker_info()
        worker, workers = (0, 0) if info is None else (info.id, info.num_workers)
        return ("worker", self.rank, worker, workers), False

    def keeps(self) -> Callable[[int], tuple[bool, bool]]:
        """Of a position from the start: does this process keep it, and does it complete the ranks' turn."""
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        if self.split is False:
            return lambda position: (True, True)
        rank, size = (self.rank, self.world_size) if self.split is True else (0, 1)
        if workers > 1 and self.batch_size is None:
            raise UsageError(
                "SampleSeeded: with an iterable dataset in several workers it must be known which samples "
                "make a batch: give SampleSeeded the DataLoader's batch_size (1 for batch_size=None), or "
                "use SeededLoader. If the dataset shares itself out to the workers, give split=False."
            )
        batch = self.batch_size or 1
        last = size - 1

        def look(position: int) -> tuple[bool, bool]:
            number, turn = divmod(position, size)
            mine = turn == rank and position >= 0 and number // batch % workers == worker
            return mine, turn == last or not self.drop_last

        return look

    def count(self, length: int) -> int:
        if self.split is not True:
            return length
        return length // self.world_size + (not self.drop_last and self.rank < length % self.world_size)
