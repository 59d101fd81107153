"""Switches that a program may no longer move: what it assigns is dropped, and said.

A training script often turns cuDNN's autotuning on for speed, which picks kernels by a
stopwatch, or torch's flag off.  Where a whole program is run deterministically from
outside, its line must not undo that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import torch

from samebits._runtime.patcher import Patcher
from samebits._runtime.warn import warn

#: Attribute of `torch.backends.cudnn` -> the value it keeps.
_PINNED: Final = {"deterministic": True, "benchmark": False}


class PinWarning(UserWarning):
    """A program's assignment to a pinned switch was dropped."""


class Pins(Patcher):
    """cuDNN's two switches and torch's flag, held from `install` until `uninstall`."""

    def install(self) -> None:
        for name, value in _PINNED.items():
            held = vars(type(torch.backends.cudnn))[name]
            self._replace(held, "setter", _assigning(name, value, held.setter))
        module: Any = vars(torch.backends.cudnn)["m"]  # what `cudnn.flags` finds `set_flags` in
        self._replace(module, "set_flags", _setting_flags(module.set_flags))
        self._replace(torch, "use_deterministic_algorithms", _using(torch.use_deterministic_algorithms))


def _say(what: str, kept: str) -> None:
    warn(f"{what} was dropped: the program runs deterministically, {kept}.", PinWarning)


def _assigning(name: str, value: bool, setter: Callable[[Any], None]) -> Callable[[Any], None]:
    def assign(new: Any) -> None:
        setter(value)
        if new != value:
            _say(f"torch.backends.cudnn.{name} = {new!r}", f"with {value!r}")

    return assign


def _setting_flags(original: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(original)
    def set_flags(
        _enabled: Any = None,
        _benchmark: Any = None,
        _benchmark_limit: Any = None,
        _deterministic: Any = None,
        *others: Any,
        **named: Any,
    ) -> Any:
        if _benchmark:
            _say("torch.backends.cudnn.flags(benchmark=True)", "with False")
        return original(
            _enabled,
            None if _benchmark is None else False,
            _benchmark_limit,
            None if _deterministic is None else True,
            *others,
            **named,
        )

    return set_flags


def _using(original: Callable[..., None]) -> Callable[..., None]:
    @wraps(original)
    def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
        if mode:
            original(mode, warn_only=warn_only)
        else:
            _say("torch.use_deterministic_algorithms(False)", "with True")

    return use_deterministic_algorithms
