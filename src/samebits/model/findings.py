"""What a cause is, and the evidence its runtime matcher looks at.

Plain data only: no torch, nothing of a record's storage.  `compare` gathers an
`Evidence` from two records and asks every cause of the catalogue; a cause
answers with a `Finding` or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from samebits.model.rule import Rule


@dataclass(frozen=True, slots=True)
class Site:
    """A place in the user's source.  ``file`` is relative to the run's working directory if under it."""

    file: str
    line: int
    function: str = "<module>"


@dataclass(frozen=True, slots=True)
class Fact:
    """One piece of evidence from one process of one run (kinds: docs/reference/facts.md)."""

    kind: str
    site: Site | None
    at: int  # how many events the process's main thread had recorded before it
    step: int
    detail: Mapping[str, Any]
    process: str = "main"  # process key: "main", "rank1", "rank0/Process-2" ...


@dataclass(frozen=True, slots=True)
class Event:
    """One recorded event, resolved to text."""

    index: int  # position in its thread's stream
    kind: str
    name: str
    phase: str
    step: int
    flags: int
    digest: int
    thread: int = 0
    site: Site | None = None
    module: str | None = None
    node: str | None = None  # autograd node, for a backward operation
    inputs: int | None = None  # digest of all tensor inputs; only in zoomed runs
    generator: int | None = (
        None  # digest of the generator's state before a random operation; only in zoomed runs
    )
    source: Site | None = None  # where uninitialised memory it reads was allocated; only in zoomed runs


@dataclass(frozen=True, slots=True)
class Difference:
    """How two values of one event differ.  ``max_abs``/``max_ulp`` are None where not a number."""

    differing: int
    elements: int
    max_abs: float | None
    max_ulp: int | None


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first place at which two runs part.

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
    before: Sequence[Event] = ()  # up to 50 events of run a before it, oldest first
    after_a: Sequence[Event] = ()  # up to 200 following events of run a ...
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


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a matcher may look at.  Facts hold those of every process of the divergence's rank
    (DataLoader workers included), in order, up to the divergence (and a little beyond)."""

    divergence: Divergence
    a: Sequence[Fact] = ()
    b: Sequence[Fact] = ()
    environment: Sequence[EnvironmentDifference] = ()
    sources: Mapping[str, str] = field(default_factory=dict)  # user file -> its text
    #: generator name -> (state digest in a, in b) where both were last read before the divergence
    generators: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause's answer: how sure (0..1), the line to change, why, and the fix to paste."""

    confidence: float
    site: Site | None
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause of irreproducibility; one file of this room each."""

    name: str  # the slug, stable
    title: str
    what: str
    why: str
    fix: str
    sources: Sequence[str]
    match: Callable[[Evidence], Finding | None]
    invalid: Sequence[str] = ()  # snippets that have the fault
    valid: Sequence[str] = ()  # the same, mended
    rule: Rule | None = None  # the same, seen in one source file
