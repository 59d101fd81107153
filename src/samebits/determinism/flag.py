"""torch's deterministic flag, which scopes set and single calls overlay for their length.

An excepted operation runs with the flag off.  Meanwhile another thread may open a scope
or end one, so what the flag is and what it is meant to be are kept apart:
scopes read and write the second, and the first follows once no call overlays it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch

from samebits._runtime import forks


class DeterministicFlag(NamedTuple):
    """What torch's flag is."""

    enabled: bool
    warn_only: bool


class _Overlays:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.open: list[tuple[object, DeterministicFlag]] = []
        self.meant = DeterministicFlag(False, False)


_overlays = _Overlays()
# A lock that another thread of the parent held stays locked in a forked child, and so do its overlays.
forks.register(after_in_child=lambda: _forked())


def _forked() -> None:
    if _overlays.open:
        _set(_overlays.meant)
    _overlays.__init__()  # type: ignore[misc]


def read() -> DeterministicFlag:
    """What the flag is meant to be."""
    with _overlays.lock:
        return _overlays.meant if _overlays.open else as_torch_has_it()


def write(flag: DeterministicFlag) -> None:
    """Set it; where a call overlays it, once that has ended."""
    with _overlays.lock:
        _overlays.meant = flag
        if not _overlays.open:
            _set(flag)


@contextmanager
def overlaid(enabled: bool) -> Iterator[None]:
    """The flag on, strictly, or off, for the length of a block; other threads' operations see it, too."""
    token = object()
    with _overlays.lock:
        if not _overlays.open:
            _overlays.meant = as_torch_has_it()
        _overlays.open.append((token, DeterministicFlag(enabled, False)))
        _set(DeterministicFlag(enabled, False))
    try:
        yield
    finally:
        with _overlays.lock:
            _overlays.open = [one for one in _overlays.open if one[0] is not token]
            _set(_overlays.open[-1][1] if _overlays.open else _overlays.meant)


def as_torch_has_it() -> DeterministicFlag:
    """What torch's switch is at this moment, also inside `overlaid`."""
    return DeterministicFlag(
        torch._C._get_deterministic_algorithms(), torch._C._get_deterministic_algorithms_warn_only()
    )


def _set(flag: DeterministicFlag) -> None:
    torch._C._set_deterministic_algorithms(flag.enabled, warn_only=flag.warn_only)
