"""How long operations are recorded at level "auto": as long as that is cheap.

A short program is recorded operation by operation to its end, with inputs, states of generators and small
outputs, so that a difference needs no further runs to be told.  A long one is recorded so in its opening
alone, and per step from then on.  Where the opening ends is decided at a step's end and by the clock, so it
is noted in the record, and the further runs of a verification follow it: both runs observe the same.

On a GPU there is none: to digest every result costs kernels there, which a captured graph would keep.  It
ends where the program first asks for CUDA, which is one place in both runs.

The processes that another one started are recorded per step: what they compute decides a verdict only if
they train, and they may end no step at which both runs could stop alike.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Final

from samebits.observe.plan import Plan

#: The module that is told whether operations are observed.
CUSTOM_OPS: Final = "samebits.random.custom_ops"
#: Bytes of outputs that are kept, and which part of what is left an output may take.
CAPTURE: Final = 16 << 20
SHARE: Final = 16
#: Observing operations may take this share of the time since the process began, and at least so many seconds;
#: but for the first step, which finds the names of modules and the lines of code once.
BUDGET: Final = 0.04
AT_LEAST: Final = 0.1
#: An opening is no longer than this, whatever it costs: seconds of processor time, of all threads.
SECONDS: Final = 20.0
STEPS: Final = 1000
EVENTS: Final = 1 << 20


def before_cuda(call: Callable[[], None]) -> None:
    """Call a method, if its object still lives, when CUDA is about to be used for the first time."""
    import torch

    method = weakref.WeakMethod(call)

    def about_to() -> None:
        if (found := method()) is not None:
            found()

    torch.cuda._lazy_call(about_to)  # type: ignore[no-untyped-call]


class Opening:
    """The opening of one process."""

    def __init__(self, plan: Plan, key: str, observer: ModuleType) -> None:
        self._observer = observer
        self._follows = plan.until is not None and key in plan.until
        self._until = plan.until.get(key) if plan.until is not None else None
        self._before = time.process_time()  # most of it went into imports
        self._began = time.monotonic()
        self._once = 0.0  # seconds that the first step took to observe

    def begin(self) -> None:
        """Operations are recorded from here on."""
        self._observer.operations(True)
        self._observer.zoom(True, CAPTURE, SHARE)
        self._observer.timed(not self._follows)

    def is_over(self, step: int) -> bool:
        """Whether operations are recorded no more, now that ``step`` steps are done."""
        if self._follows:
            return self._until is not None and step >= self._until
        spent = self._observer.spent()
        if step == 1:
            self._once = spent
        seconds = self._before + time.monotonic() - self._began
        return (
            step >= STEPS
            or time.process_time() - self._before > SECONDS
            or self._observer.position() > EVENTS
            or spent - self._once > max(AT_LEAST, BUDGET * seconds)
        )

    def end(self) -> None:
        """Nothing is kept beside them any more."""
        self._observer.zoom(False, 0)
        self._observer.timed(False)
