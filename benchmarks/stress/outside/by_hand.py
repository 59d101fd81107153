"""What edits put into a copy of a program: an evaluation made twice or put back, a batch in two halves."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch


def twice(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, called two times each time."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        function(*args, **kwargs)
        return function(*args, **kwargs)

    return called


def put_back(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, after which the global generators are where they were before it."""

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        states = random.getstate(), np.random.get_state(), torch.get_rng_state()
        try:
            return function(*args, **kwargs)
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
            torch.set_rng_state(states[2])

    return called


def split(model: torch.nn.Module) -> None:
    """Let the model's forward take a batch in training as two halves, one after the other."""
    whole = model.forward

    @functools.wraps(whole)
    def forward(*args: Any) -> Any:
        size = len(args[0])
        if not model.training or size < 2:
            return whole(*args)
        halves = [slice(0, size // 2), slice(size // 2, size)]
        return _joined([whole(*(arg[half] for arg in args)) for half in halves])

    model.forward = forward  # type: ignore[method-assign]


def _joined(parts: list[Any]) -> Any:
    if isinstance(parts[0], tuple):
        return tuple(_joined(list(same)) for same in zip(*parts, strict=True))
    return torch.cat(parts)
