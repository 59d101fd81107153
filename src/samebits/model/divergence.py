"""Where two runs diverge first, by how much, and what differs between what they ran on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from samebits.model.events import Event

#: More units in the last place than rounding leads to: an eighth of a float32's own size.
FAR: Final = 1 << 20
#: Events of each run that a divergence tells of after itself, at most.
FOLLOWING: Final = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """How two values of one event differ.  ``max_abs``/``max_ulp`` are None where not a number.

    ``far`` elements differ by more than `FAR` units in the last place.
    ``reordered``: both hold the same rows, or the same elements, and in another order.
    """

    differing: int
    elements: int
    max_abs: float | None
    max_ulp: int | None
    reordered: bool = False
    far: int = 0

    @property
    def related(self) -> bool:
        """Whether the values are nearly equal: one that rounding takes across zero is far, and alone."""
        return 2 * self.far <= self.differing


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first place at which two runs diverge.

    ``change``: "value" (both have the event, results differ), "missing" (run a
    has ``a``, run b went on without it), "extra" (run b has ``b``, run a went on
    without it), "replaced" (different operations at the same place), "end" (one
    run's stream ends here; the other goes on).
    """

    change: Literal["value", "missing", "extra", "replaced", "end"]
    rank: int
    process: str
    step: int
    a: Event | None
    b: Event | None
    difference: Difference | None = None
    before: Sequence[Event] = ()  # up to 50 events of run a before it, oldest first ...
    before_b: Sequence[Event] = ()  # ... and of run b
    after_a: Sequence[Event] = ()  # up to FOLLOWING events of run a ...
    after_b: Sequence[Event] = ()  # ... and of run b

    @property
    def event(self) -> Event:
        """The event to show: run a's, or run b's where a has none."""
        event = self.a or self.b
        assert event is not None
        return event

    @property
    def inputs_equal(self) -> bool | None:
        """Whether both runs gave the operation the same inputs; None where not recorded."""
        if self.a is None or self.b is None or self.a.inputs is None or self.b.inputs is None:
            return None
        return self.a.inputs == self.b.inputs

    @property
    def generators_equal(self) -> bool | None:
        """Whether the generator was in the same state before a random operation; None where not recorded."""
        if self.a is None or self.b is None or self.a.generator is None or self.b.generator is None:
            return None
        return self.a.generator == self.b.generator


@dataclass(frozen=True, slots=True)
class EnvironmentDifference:
    """One row of two manifests that differs."""

    key: str
    a: Any
    b: Any
    matters: (
        bool  # can change bits (threads, capability, versions), rather than merely be different (time, path)
    )
