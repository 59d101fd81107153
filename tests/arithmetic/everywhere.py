"""The same computation under every tier and number of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from samebits.arithmetic import core

THREADS = (1, 2, 3)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """torch computes with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def same(ours: Any, other: Any) -> bool:
    """Whether arrays or tensors have the same bits; all NaN are one."""
    a, b = (one.detach().numpy() if isinstance(one, Tensor) else np.asarray(one) for one in (ours, other))
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    both = (np.isnan(a) & np.isnan(b)) | (a.view(f"u{a.itemsize}") == b.view(f"u{b.itemsize}"))
    return bool(both.all())


def _flat(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (tuple, list)) else [result]


def check(wanted: Any, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """The function gives the bits of `wanted`, an array or tensor or several, under all tiers and threads."""
    for tier in core.tiers():
        with core.using(tier):
            for count in THREADS:
                with threads(count):
                    results = _flat(function(*args, **kwargs))
                for place, (result, want) in enumerate(zip(results, _flat(wanted), strict=True)):
                    assert same(result, want), f"result {place}, tier {tier}, {count} threads"
