"""The streams that a sample draws from: the process-wide generators, and those that the dataset holds.

Albumentations' pipelines, MONAI's transforms and many a hand-written dataset draw from a generator object of
their own, which no process-wide seed reaches.  They are found by looking through the dataset
(`samebits.seeding.discovery`), through the variables of the program's modules, and at imgaug's.

In a worker process all of them are simply set for each sample.  In the main process (``num_workers=0``)
training draws from them too, so where they stood is put back after the last sample of a batch, also after an
exception; one thread makes a batch at a time, since they are one for all threads.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Sequence
from functools import cache
from threading import get_ident
from typing import TYPE_CHECKING, Any

from torch.utils.data import get_worker_info

from samebits._runtime import forks
from samebits.seeding.adapters import adapter_of
from samebits.seeding.derive import Key
from samebits.seeding.discovery import Found, discover_from, set_aside
from samebits.seeding.turn import Turn
from samebits.usercode.program import own_modules

if TYPE_CHECKING:
    from samebits.seeding.mt19937 import ProcessStreams


#: Whose batch is made in this process.
_making = Turn("a batch of a SampleSeeded dataset", patience=600)
forks.register(after_in_child=_making.after_fork)


class SampleStreams:
    """Sets every generator a sample may draw from.  One for each dataset and process.

    Pickled, it takes only `owners` along: another process finds the generators there anew.

    Args:
        owners: name -> what may hold generators: the dataset, a transform, a collate function.
    """

    def __init__(self, owners: dict[str, object]) -> None:
        self.owners = owners
        self._held: list[Found] = []
        self._drawn: dict[int, list[bytes]] = {}  # a thread -> digests of the batch that it collates next
        self.forget()

    def __getstate__(self) -> dict[str, object]:
        return self.owners

    def __setstate__(self, owners: dict[str, object]) -> None:
        self.__init__(owners)  # type: ignore[misc]

    def forget(self) -> None:
        """Look for generators again before the next sample: something of the owners was exchanged."""
        self._epoch: int | None = None  # when they were looked for
        self._is_first = False  # no sample was made since

    def begin(self, epoch: int) -> bool:
        """Look for generators, once an epoch: programs exchange transforms between epochs.

        Returns:
            Whether this is the first time in this epoch.
        """
        if epoch == self._epoch:
            return False
        self._epoch = epoch
        self._held = find(self.owners)
        self._is_first = True
        return True

    def enter(self) -> Any:
        """Before the first sample: what `leave` needs; None in a worker."""
        return self.save() if get_worker_info() is None else None

    def save(self) -> Any:
        """Where all of them stand, for `leave`, until which other threads wait."""
        _making.acquire("SampleSeeded")
        try:
            return self.state()
        except BaseException:
            _making.release()
            raise

    def leave(self, saved: Any) -> None:
        """After the last sample: put the training's streams back."""
        if saved is None:
            return
        try:
            self.put_back(saved)
        finally:
            _making.release()

    def state(self) -> Any:
        """Where all of them stand, for `put_back`."""
        held = [(one.adapter, one.adapter.save()) for one in self._held] if self._held else ()
        return process_streams().save(), held

    def put_back(self, state: Any) -> None:
        process, held = state
        process_streams().put_back(process)
        for adapter, before in held:
            adapter.put_back(before)

    def set(self, digest: bytes) -> None:
        """Put every generator at the start of its stream for the sample `digest`."""
        process_streams().set(digest)
        if self._held:
            key = Key(int.from_bytes(digest, "little"), ("held",))
            for one in self._held:
                one.adapter.start(key.child(one.name))

    def make(self, digests: list[bytes], make: Callable[[Any], Any], indices: Sequence[Any]) -> list[Any]:
        """``make(index)`` for each index, with the streams of its digest."""
        self.note(digests)
        samples = []
        if self._is_first and digests:
            self.set(digests[0])
            samples.append(make(indices[0]))
            if self.found_more():
                samples.clear()
        put = self.set if self._held else process_streams().set
        pairs = zip(digests, indices, strict=True)
        if samples:
            next(pairs)
        for digest, index in pairs:
            put(digest)
            samples.append(make(index))
        return samples

    def found_more(self) -> bool:
        """After the first sample: whether it has made generators, for which it has to be made again."""
        if not self._is_first:
            return False
        self._is_first = False
        known = {one.adapter.identity for one in self._held}
        held = find(self.owners)
        if known == {one.adapter.identity for one in held}:
            return False
        self._held = held
        return True

    def note(self, digests: list[bytes]) -> None:
        """These samples were made: the batch that this thread collates next."""
        self._drawn[get_ident()] = digests

    def collate(self, collate: Callable[[Any], Any], samples: Any) -> Any:
        """``collate(samples)`` with streams keyed by the samples of the batch."""
        drawn = b"".join(self._drawn.get(get_ident(), ()))
        digest = hashlib.blake2b(drawn, digest_size=16, person=b"samebits.collate").digest()
        saved = self.enter()
        try:
            self.set(digest)
            return collate(samples)
        finally:
            self.leave(saved)


class SeededCollate:
    """A collate function whose draws belong to the batch's samples (mixup, random batch sizes)."""

    def __init__(self, collate: Callable[[Any], Any], streams: SampleStreams) -> None:
        self.collate_fn = collate
        self._streams = streams

    def __call__(self, samples: Any) -> Any:
        return self._streams.collate(self.collate_fn, samples)


@cache
def process_streams() -> ProcessStreams:
    """This process's.  A forked child has the same generators at the same addresses."""
    from samebits.seeding.mt19937 import ProcessStreams

    return ProcessStreams()


def find(owners: dict[str, object]) -> list[Found]:
    """The generator objects that samples of `owners` may draw from, under names that every process finds.

    The process-wide ones are left out, also where an object refers to one (`np.random.mtrand._rand`).
    """
    places = dict(owners)
    for module, variables in own_modules():
        for name, value in list(variables.items()):
            if adapter_of(value) is not None:
                places[f"{module}.{name}"] = value
    imgaug = sys.modules.get("imgaug.random")
    if imgaug is not None:
        places["imgaug"] = getattr(imgaug, "GLOBAL_RNG", None)
    return discover_from(places, None, set_aside())
