"""What is noted of a call that starts threads or processes, and of the order in which they finish."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

from samebits.model import facts
from samebits.usercode.content import (
    Sequence,
    digest,
)
from samebits.usercode.watched import Call

_executors: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


_submitted: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


_queues: WeakKeyDictionary[Any, Sequence] = WeakKeyDictionary()


def thread(call: Call) -> None:
    if isinstance(call.owner, threading.Timer):
        return  # a clock
    count = 1
    if not call.call.endswith("start"):
        wanted = call.kwargs.get("max_workers", call.kwargs.get("processes", call.kwargs.get("nprocs")))
        held = getattr(call.result, "_max_workers", getattr(call.result, "_processes", None))
        count = next((n for n in (wanted, held) if isinstance(n, int)), 1)
    call.emit(facts.Thread(call=call.call, n=count))


def submit(call: Call) -> None:
    order = _executors.get(call.owner, 0)
    _executors[call.owner] = order + 1
    _submitted[call.result] = order


def as_completed(call: Call) -> None:
    if "asyncio" in call.call:
        call.emit(facts.Completion(call="as_completed"))
    else:
        call.result = _completing(call, call.result)


def _completing(call: Call, futures: Iterator[Any]) -> Generator[Any]:
    """The same futures, noted as they finish: a row at each power of two, as the consumer may part midway."""
    seen = Sequence()
    try:
        for future in futures:
            _completed(call, "as_completed", seen, _submitted.get(future))
            yield future
    finally:
        if seen.n & (seen.n - 1):
            _emit_order(call, "as_completed", seen)


def _completed(call: Call, name: str, seen: Sequence, value: Any) -> None:
    try:
        seen.add(value)
        if not seen.n & (seen.n - 1):
            _emit_order(call, name, seen)
    except Exception:
        pass


def _emit_order(call: Call, name: str, seen: Sequence) -> None:
    call.emit(facts.Completion(call=name, order=seen.order, content=seen.content, n=seen.n))


def waited(call: Call) -> None:
    done = getattr(call.result, "done", None)
    order = None if done is None else digest(sorted(_submitted.get(future, -1) for future in done))
    call.emit(facts.Completion(call="wait", order=order))


def called_back(call: Call) -> None:
    """A function that is called as each result comes."""
    if "add_done_callback" in call.call or call.argument(3, "callback") is not None:
        call.emit(facts.Completion(call=f"the callback of {call.call}"))


def unordered(call: Call) -> None:
    """Gives the pool's iterator a class of its own, which notes each result as it is taken."""
    iterator = call.result
    kind = type(iterator)
    if not isinstance(getattr(kind, "next", None), FunctionType):
        call.result = _noting(call, iterator)  # with chunksize > 1 the pool gives a plain generator
        return
    seen = Sequence()

    def take(self: Any, timeout: float | None = None) -> Any:
        value = kind.next(self, timeout)
        _completed(call, "imap_unordered", seen, value)
        return value

    noting = {"next": take, "__next__": take, "__module__": kind.__module__}
    iterator.__class__ = type(kind.__name__, (kind,), noting)


def _noting(call: Call, values: Iterator[Any]) -> Generator[Any]:
    seen = Sequence()
    for value in values:
        _completed(call, "imap_unordered", seen, value)
        yield value


def queue_get(call: Call) -> None:
    seen = _queues.setdefault(call.owner, Sequence())
    seen.add(call.result)
    _emit_order(call, "Queue.get", seen)
