"""The events of a thread as the observer in Python keeps them, and packed as the writer takes them.

The packed form is that of `native/binding.h`: one column an array.
"""

from __future__ import annotations

import math
from array import array
from typing import Any, NamedTuple

import torch

from samebits.model import events
from samebits.model.events import KIND, PHASE, READ_IN_TURN

#: Kinds of event that have a norm.
NORMED = frozenset(KIND[kind] for kind in READ_IN_TURN)


class Row(NamedTuple):
    """One row of the event columns."""

    kind: int
    phase: int
    flags: int
    name: int
    site: int = 0
    module: int = 0
    node: int = 0
    digest: int = 0
    inputs: int = 0
    generator: int = 0
    source: int = 0
    norm: float = math.nan


class ThreadRows:
    """The events of one thread and what it is in the middle of."""

    def __init__(self, ordinal: int) -> None:
        self.ordinal = ordinal
        self.start = 0
        self.events: list[Row] = []
        self.phase = PHASE["other"]
        self.suspended = 0


def phase_now(thread: ThreadRows, *, model: bool) -> int:
    if torch._C._current_graph_task_id() != -1:
        return PHASE["backward"]
    # A closure's forward inside optimizer.step() runs with gradients on.
    closure = thread.phase == PHASE["optimizer"] and torch.is_grad_enabled()
    if thread.phase != PHASE["other"] and not closure:
        return thread.phase
    return PHASE["forward"] if model else PHASE["other"]


def chunk(thread: ThreadRows) -> tuple[Any, ...]:
    """A row of `drain`: thread, start, count, then each column as bytes; None for evidence that none has."""
    codes = [code for _, code in events.STRUCTURE] + ["Q", "Q", "Q", "I"]
    columns = zip(codes, list(zip(*thread.events, strict=True))[:-1], strict=True)
    packed: list[bytes | None] = [array(code, column).tobytes() for code, column in columns]
    first_evidence = len(events.STRUCTURE) + 1
    for i in range(first_evidence, len(packed)):
        if not any(packed[i] or b""):
            packed[i] = None
    norms = array("d", [event.norm for event in thread.events if event.kind in NORMED])
    known = not all(map(math.isnan, norms))
    return (thread.ordinal, thread.start, len(thread.events), *packed, norms.tobytes() if known else None)
