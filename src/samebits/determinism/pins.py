"""Switches that a program may no longer move: what it assigns is dropped, and said once.

A training script often turns cuDNN's autotuning on for speed, which picks kernels
by a stopwatch.  Where a whole program is run deterministically from outside, its
line must not undo that.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Final

import torch

#: Attribute of `torch.backends.cudnn` -> the value it keeps.
_PINNED: Final = {"deterministic": True, "benchmark": False}


class PinWarning(UserWarning):
    """A program's assignment to a pinned switch was dropped."""


class Pins:
    """cuDNN's two switches, held from `install` until `remove`."""

    def __init__(self) -> None:
        self._setters: dict[str, Callable[[Any], None]] = {}

    def install(self) -> None:
        for name, value in _PINNED.items():
            held = vars(type(torch.backends.cudnn))[name]
            self._setters[name] = held.setter
            held.setter = _dropping(name, value, held.setter)

    def remove(self) -> None:
        for name, setter in self._setters.items():
            vars(type(torch.backends.cudnn))[name].setter = setter
        self._setters.clear()


def _dropping(name: str, value: bool, setter: Callable[[Any], None]) -> Callable[[Any], None]:
    def assign(new: Any) -> None:
        setter(value)
        if new != value:
            warnings.warn(
                f"torch.backends.cudnn.{name} = {new!r} was dropped: the program runs deterministically, "
                f"with {value!r}.",
                PinWarning,
                stacklevel=3,
            )

    return assign
