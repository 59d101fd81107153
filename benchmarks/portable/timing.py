"""Ways to compute one thing, timed in turn, so that a machine whose speed drifts slows all alike."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from samebits._runtime.kernels import Override
from samebits.arithmetic import table
from samebits.arithmetic.rows import Function


@dataclass(frozen=True)
class Way:
    """One way, run inside its scope, which is entered and left outside the timed part."""

    name: str
    run: Callable[[], Any]
    scope: Callable[[], AbstractContextManager[Any]] = nullcontext


def seconds(run: Callable[[], Any], times: int) -> float:
    """Of one call.  With one thread that thread's time counts, to which other programs add nothing."""
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    began = clock()
    for _ in range(times):
        run()
    return (clock() - began) / times


def interleaved(ways: Sequence[Way], rounds: int, block: float) -> dict[str, list[float]]:
    """The seconds of a call in each round; a way runs for `block` seconds at a time."""
    times = {}
    for way in ways:
        with way.scope():
            way.run()
            times[way.name] = max(1, min(1000, int(block / max(seconds(way.run, 1), 1e-7))))
    found: dict[str, list[float]] = {way.name: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            with way.scope():
                if times[way.name] > 1:
                    way.run()
                found[way.name].append(seconds(way.run, times[way.name]))
    return found


def columns(found: dict[str, list[float]]) -> dict[str, float]:
    """The ways' medians, and the median and the quartiles of the rounds' ratios of "ours" to "native"."""
    ratios = sorted(ours / native for ours, native in zip(found["ours"], found["native"], strict=True))
    return {
        **{f"{name} us": statistics.median(values) * 1e6 for name, values in found.items()},
        "ratio": statistics.median(ratios),
        "low": ratios[len(ratios) // 4],
        "high": ratios[len(ratios) * 3 // 4],
    }


def geometric(values: Iterable[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, values)))


def defined() -> dict[str, Function]:
    """What computes each operation of the table."""
    return {row.schema: row.function for row in table.rows()}


@contextmanager
def replaced(schema: str, function: Function) -> Iterator[None]:
    """One operation computed by `function` on the CPU, as in the mode."""

    def made(native: Function) -> Function:
        return lambda keys, *args, **kwargs: function(*args, **kwargs)

    override = Override(schema, "cpu", made)
    try:
        yield
    finally:
        override.remove()


def operation(schema: str) -> Callable[..., Any]:
    """torch's function of "aten::sum.dim_IntList"."""
    name, _, overload = schema.partition("::")[2].partition(".")
    found: Callable[..., Any] = getattr(getattr(torch.ops.aten, name), overload or "default")
    return found


def measured(
    schema: str, args: Sequence[Any], function: Function, rounds: int, block: float, *others: Way
) -> dict[str, float]:
    """`columns` of one operation on these arguments, through the dispatcher both times, and of other ways."""
    run = partial(operation(schema), *args)
    ours = Way("ours", run, partial(replaced, schema, function))
    return columns(interleaved([Way("native", run), ours, *others], rounds, block))
