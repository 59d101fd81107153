"""Which memory came uninitialised from `empty` and was not wholly written since, for the Python observer.

The counterpart of `native/fresh.h`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from samebits.model import events
from samebits.observe.folding import tensors_in
from samebits.observe.reference import has_bytes
from samebits.observe.schemas import Schema


class Uninitialized:
    """Storages by address; a weak reference keeps an address from being used again while it is listed."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[StorageWeakRef, int]] = {}

    def __len__(self) -> int:
        return len(self._made)

    def allocated(self, tensor: torch.Tensor, site: int) -> None:
        """A tensor's memory was just allocated, at a site, and holds anything."""
        if has_bytes(tensor) and tensor.numel():
            storage = tensor.untyped_storage()
            self._made[storage._cdata] = (StorageWeakRef(storage), site)  # type: ignore[no-untyped-call]

    def written(self, tensor: torch.Tensor) -> None:
        """A tensor was written; memory that it covers wholly is initialised from now on."""
        if has_bytes(tensor):
            storage = tensor.untyped_storage()
            if tensor.numel() * tensor.element_size() >= storage.nbytes():
                self._made.pop(storage._cdata, None)

    def site(self, tensor: torch.Tensor) -> int | None:
        """Where a tensor's memory was allocated if it is uninitialised; else None."""
        if not has_bytes(tensor):
            return None
        known = self._made.get(tensor.untyped_storage()._cdata)
        return known[1] if known is not None else None

    def reads(self, operator: Schema, arguments: Sequence[Any]) -> tuple[int, int]:
        """Whether an operation reads uninitialised memory (a flag), and the site that allocated it."""
        if not operator.flags & (events.VIEW | events.UNINITIALIZED):
            for i, value in enumerate(arguments):
                for tensor in tensors_in([value]) if i not in operator.written_only else ():
                    site = self.site(tensor)
                    if site is not None:
                        return events.READS_UNINITIALIZED, site
        return 0, 0

    def sweep(self) -> None:
        """Let go of memory that is no more."""
        dead = [key for key, (ref, _) in self._made.items() if ref.expired()]  # type: ignore[no-untyped-call]
        for key in dead:
            del self._made[key]
