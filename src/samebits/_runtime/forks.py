"""What is done around a fork: registered with Python once, and kept in a list from which it can be taken.

`os.register_at_fork` cannot be undone, so only this file calls it.  Order is Python's own: before a fork the
last registered is first, after it the first registered.  Ours stand where the first of them was registered,
behind that of `random`, which seeds Python's generator in a child: what we seed there must stay.

A child has one thread alone.  Each owner of a lock therefore renews it in the child, where another thread of
the parent may have held it.
"""

from __future__ import annotations

import os
import random  # noqa: F401  # its handler is to be registered before ours
from collections.abc import Callable
from typing import NamedTuple

from samebits._runtime.handle import Handle

_Call = Callable[[], object]


class _Calls(NamedTuple):
    before: _Call | None
    after_in_parent: _Call | None
    after_in_child: _Call | None
    in_worker: _Call | None


#: Compared by identity: equal functions may be registered twice.
_registered: list[_Calls] = []
_known = False
_owner: object | None = None  # what multiprocessing knows our handler by


def register(
    *,
    before: _Call | None = None,
    after_in_parent: _Call | None = None,
    after_in_child: _Call | None = None,
    in_worker: _Call | None = None,
) -> Handle:
    """Call these around every fork from now on, until the handle is cancelled.

    Args:
        before, after_in_parent, after_in_child: as of `os.register_at_fork`.
        in_worker: in each process that `multiprocessing` forks, once it has dropped its exit functions.
    """
    global _known
    calls = _Calls(before, after_in_parent, after_in_child, in_worker)
    _registered.append(calls)
    if not _known and hasattr(os, "register_at_fork"):
        _known = True
        os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
    if in_worker is not None:
        _tell_multiprocessing()
    return Handle(lambda: _forget(calls))


def _forget(calls: _Calls) -> None:
    for number, one in enumerate(_registered):
        if one is calls:
            del _registered[number]
            return


def _before() -> None:
    for calls in reversed(_registered.copy()):
        if calls.before is not None:
            calls.before()


def _in_parent() -> None:
    for calls in _registered.copy():
        if calls.after_in_parent is not None:
            calls.after_in_parent()


def _in_child() -> None:
    for calls in _registered.copy():
        if calls.after_in_child is not None:
            calls.after_in_child()


class _Owner:
    """multiprocessing keeps a handler as long as its owner lives."""


def _tell_multiprocessing() -> None:
    global _owner
    if _owner is None:
        from multiprocessing import util

        _owner = _Owner()
        util.register_after_fork(_owner, _in_worker)


def _in_worker(_: object) -> None:
    for calls in _registered.copy():
        if calls.in_worker is not None:
            calls.in_worker()
