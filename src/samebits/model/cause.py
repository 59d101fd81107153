"""What a cause of irreproducibility is, and the evidence that its matcher looks at.

`compare` gathers an `Evidence` from two records and asks every cause of the catalogue; a cause answers with
a `Finding` or nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from samebits.model.divergence import Divergence, EnvironmentDifference
from samebits.model.facts import Detail, Fact
from samebits.model.finding import Finding
from samebits.model.rule import Rule


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a matcher may look at.  Facts hold those of every process of the divergence's rank
    (DataLoader workers included), in order, up to the divergence (and a little beyond); files that were
    opened, of the whole runs.  Such a list shows what happened before, and by itself never that something
    did not: another thread or process may only have come to it later."""

    divergence: Divergence
    a: Sequence[Fact[Detail]] = ()
    b: Sequence[Fact[Detail]] = ()
    environment: Sequence[EnvironmentDifference] = ()
    sources: Mapping[str, str] = field(default_factory=dict)  # user file -> its text
    program: str = ""  # the file that was started, as its process was told
    #: generator name -> (state digest in a, in b) where both were last read before the divergence
    generators: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    #: whether both runs were seen to their own ends: what one of them never did, it then did not do
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause of irreproducibility; one file of `samebits.causes` each.

    Some are seen in what two runs did, some in source, many in both.
    """

    name: str  # the slug, stable
    title: str
    what: str
    why: str
    fix: str
    sources: Sequence[str]
    match: Callable[[Evidence], Finding | None] | None = None  # what two runs did
    mend: Callable[[Evidence, Finding], Finding] | None = None  # makes the fix for the place: text and edits
    rule: Rule | None = None  # the same, seen in source
    invalid: Sequence[str] = ()  # snippets that have the fault
    valid: Sequence[str] = ()  # the same, mended
