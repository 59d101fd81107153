"""What may make a program repeat: edits that a cause of the catalogue proposes, or one thing controlled.

A cause says where it is mended; where its fix is words alone, a part of `samebits run` or a setting may do
the same from outside.  What the records point at is tried first, then everything that can be controlled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from samebits.compare import Verdict
from samebits.control.changes import CHANGES
from samebits.control.settings import PARTS
from samebits.model.finding import Edit, Finding

#: Each run begins in a folder of its own, as the program's is now.
FRESH: Final = "fresh-folder"
#: By cause: what controls it from outside, in the order of trying.
FROM_OUTSIDE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "autotuning": ("operations", "one-thread"),
        "completion-order": ("results", "one-thread"),
        "data-difference": (FRESH,),
        "directory-order": ("sorted-listings",),
        "entropy-seed": ("clock-seeds", "torch", "numpy", "python", "libraries"),
        "environment-difference": ("one-thread",),
        "hash-order": ("hash-seed",),
        "left-behind": (FRESH,),
        "library-order": ("one-thread", "hash-seed"),
        "lost-rng-state": ("torch", "numpy", "python"),
        "nondeterministic-kernel": ("operations", "one-thread"),
        "rng-drift": ("loaders", "workers"),
        "uninitialized-memory": ("memory",),
        "unseeded-numpy-random": ("numpy", "workers"),
        "unseeded-python-random": ("python", "workers"),
        "unseeded-torch-generator": ("torch", "loaders"),
        "wall-clock": ("clock-seeds",),
    }
)
#: Everything that can be controlled from outside, the likelier first.
OUTSIDE: Final = ("torch", "numpy", "python", "libraries", "clock-seeds", "hash-seed", "loaders", "workers",
                  "results", "sorted-listings", "memory", "operations", "one-thread", FRESH)  # fmt: skip
#: Below this a cause is a guess, whose edits are not tried while another cause is better.
LIKELY: Final = 0.3


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that may make a program repeat.

    Attributes:
        name: the cause that it mends, or what is controlled (`control.settings.PARTS`, `control.changes`).
        what: what it does, in a few words.
        edits: changes of the program's source, as they were found; empty: it is controlled from outside.
        finding: the cause; None where no cause was found that it belongs to.
    """

    name: str
    what: str
    edits: tuple[Edit, ...] = ()
    finding: Finding | None = field(default=None, compare=False)

    @property
    def outside(self) -> bool:
        """Whether the program's source stays as it is."""
        return not self.edits

    @property
    def place(self) -> str:
        """ "train.py:12": the first line that it changes, or the one that its cause names."""
        if self.edits:
            return f"{self.edits[0].file}:{self.edits[0].line}"
        site = self.finding.site if self.finding else None
        return f"{site.file}:{site.line}" if site else ""

    def as_json(self) -> dict[str, Any]:
        """As docs/reference/cure.schema.json has it, but for its cost."""
        return {
            "name": self.name,
            "what": self.what,
            "place": self.place or None,
            "edits": [edit.as_json() for edit in self.edits],
            "cause": self.finding.as_json() if self.finding else None,
        }


def outside(name: str, finding: Finding | None = None) -> Remedy:
    """What is controlled under a name."""
    if name == FRESH:
        what = (
            "each run begins with the files that are there now, and not with what another one left or changed"
        )
    else:
        what = PARTS.get(name) or CHANGES[name].what
    return Remedy(name, what, finding=finding)


def proposed(verdict: Verdict) -> Iterator[Remedy]:
    """What the causes of a verdict propose, the best first: each one's edits, then control from outside."""
    for finding in verdict.causes:
        if finding.confidence < LIKELY and finding is not verdict.causes[0]:
            continue
        if finding.edits:
            yield Remedy(finding.cause, _what(finding), finding.edits, finding)
        for name in FROM_OUTSIDE.get(finding.cause, ()):
            yield outside(name, finding)


def _what(finding: Finding) -> str:
    """The first line that a fix brings."""
    for edit in finding.edits:
        for line in edit.replacement.split("\n"):
            text = line.strip()
            if text and not text.startswith(("import ", "from ", "#")):
                return text
    return finding.cause
