"""The changes that are patches, each as one would make it by hand in a program."""

from __future__ import annotations

import datetime
import inspect
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

#: How much later a run with another start time begins: another date, week, month and hour.
LATER = 40 * 86_400 + 3 * 3_600 + 20 * 60


def install(change: str) -> None:
    """Make the change, if it is one of these."""
    if change in _INSTALL:
        _INSTALL[change]()


class _Reversed:
    """What `os.scandir` returns, in reversed order."""

    def __init__(self, entries: list[os.DirEntry[str]]) -> None:
        self._left = entries

    def __enter__(self) -> _Reversed:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[os.DirEntry[str]]:
        return self

    def __next__(self) -> os.DirEntry[str]:
        if not self._left:
            raise StopIteration
        return self._left.pop()

    def close(self) -> None:
        self._left = []


def _reverse_listings() -> None:
    """`os.walk`, `glob` and `Path.iterdir` are made of these two."""
    listdir, scandir = os.listdir, os.scandir

    def reversed_scandir(*args: Any) -> _Reversed:
        with scandir(*args) as entries:
            return _Reversed(list(entries))

    os.listdir = lambda *args: listdir(*args)[::-1]
    os.scandir = reversed_scandir  # type: ignore[assignment]


def _change_loaders(change: Callable[[dict[str, Any]], None]) -> None:
    from torch.utils.data import DataLoader

    made = DataLoader.__init__
    signature = inspect.signature(made)

    def init(*args: Any, **kwargs: Any) -> None:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        change(bound.arguments)
        made(*bound.args, **bound.kwargs)

    DataLoader.__init__ = init  # type: ignore[method-assign]


def _another_worker(arguments: dict[str, Any]) -> None:
    workers = arguments["num_workers"]
    arguments["num_workers"] = workers + 1 if workers else 2


def _more_prefetched(arguments: dict[str, Any]) -> None:
    if arguments["num_workers"]:
        arguments["prefetch_factor"] = (arguments["prefetch_factor"] or 2) + 2


def _persistence_turned(arguments: dict[str, Any]) -> None:
    if arguments["num_workers"]:
        arguments["persistent_workers"] = not arguments["persistent_workers"]


def _draw_after_first_step() -> None:
    import random

    import numpy as np
    import torch
    from torch.optim.optimizer import register_optimizer_step_post_hook

    steps = 0

    def draw(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == 1:
            torch.rand(1)
            np.random.rand()
            random.random()

    register_optimizer_step_post_hook(draw)


def _fill_with_nan() -> None:
    import torch

    def filled(make: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            made = make(*args, **kwargs)
            with torch.no_grad():
                if made.is_floating_point() or made.is_complex():
                    made.fill_(float("nan"))
                elif made.dtype != torch.bool:
                    made.fill_(torch.iinfo(made.dtype).max)
            return made

        return call

    torch.empty = filled(torch.empty)
    torch.empty_like = filled(torch.empty_like)
    torch.empty_strided = filled(torch.empty_strided)
    torch.Tensor.new_empty = filled(torch.Tensor.new_empty)  # type: ignore[method-assign]


def _start_later() -> None:
    now, now_ns = time.time, time.time_ns
    localtime, gmtime, strftime, ctime = time.localtime, time.gmtime, time.strftime, time.ctime
    time.time = lambda: now() + LATER
    time.time_ns = lambda: now_ns() + LATER * 10**9
    time.localtime = lambda seconds=None: localtime(time.time() if seconds is None else seconds)
    time.gmtime = lambda seconds=None: gmtime(time.time() if seconds is None else seconds)
    time.ctime = lambda seconds=None: ctime(time.time() if seconds is None else seconds)
    time.strftime = lambda text, at=None: strftime(text, time.localtime() if at is None else at)

    class Later(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
            return cls.fromtimestamp(time.time(), tz)

        @classmethod
        def utcnow(cls) -> datetime.datetime:  # type: ignore[override]
            return cls.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> datetime.datetime:  # type: ignore[override]
            return cls.now()

    class LaterDate(datetime.date):
        @classmethod
        def today(cls) -> datetime.date:  # type: ignore[override]
            return cls.fromtimestamp(time.time())

    datetime.datetime = Later  # type: ignore[misc]
    datetime.date = LaterDate  # type: ignore[misc]


_INSTALL: dict[str, Callable[[], None]] = {
    "listing-order": _reverse_listings,
    "num-workers": lambda: _change_loaders(_another_worker),
    "prefetch": lambda: _change_loaders(_more_prefetched),
    "persistent-workers": lambda: _change_loaders(_persistence_turned),
    "extra-draw": _draw_after_first_step,
    "nan-memory": _fill_with_nan,
    "start-time": _start_later,
}
