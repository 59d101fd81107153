"""What may make a program repeat: edits that a cause of the catalogue proposes, or one thing controlled.

A cause says where it is mended; where its fix is words alone, a part of `samebits run` or a setting may do
the same from outside.  What the records point at is tried first, then everything that can be controlled.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final

from samebits.compare import Verdict
from samebits.control.changes import CHANGES
from samebits.control.settings import PARTS
from samebits.model.finding import Edit, Finding
from samebits.trials.cure.patchwork import bound_names, uses

#: Each run begins in a folder of its own, as the program's is now.
FRESH: Final = "fresh-folder"
#: By cause: what controls it from outside, in the order of trying.
FROM_OUTSIDE: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "autotuning": ("operations", "one-thread"),
        "completion-order": ("results", "one-worker", "one-thread"),
        "data-difference": (FRESH,),
        "directory-order": ("sorted-listings",),
        "entropy-seed": ("clock-seeds", "torch", "numpy", "python", "libraries"),
        "environment-difference": ("one-thread",),
        "hash-order": ("hash-seed",),
        "left-behind": (FRESH,),
        "library-order": ("one-thread", "hash-seed"),
        "lost-rng-state": (FRESH, "torch", "numpy", "python"),
        "nondeterministic-kernel": ("operations", "one-thread"),
        "rng-drift": ("loaders", "workers"),
        "uninitialized-memory": ("memory",),
        "unseeded-numpy-random": ("numpy", "workers", "libraries"),
        "unseeded-python-random": ("python", "workers"),
        "unseeded-torch-generator": ("torch", "loaders"),
        "wall-clock": ("clock-seeds",),
    }
)
#: Everything that can be controlled from outside, the likelier first.
OUTSIDE: Final = (
    "torch", "numpy", "python", "libraries", "clock-seeds", "hash-seed", "loaders", "workers", "results",
    "one-worker", "sorted-listings", "memory", "operations", "one-thread", FRESH,
)  # fmt: skip
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
    """What the causes of a verdict propose, the best first: each one's edits, then control from outside.

    A cause may seed several generators at once, of which not each may matter: those that it is about are
    proposed one at a time before.
    """
    for finding in verdict.causes:
        if finding.confidence < LIKELY and finding is not verdict.causes[0]:
            continue
        yield from single_seeds(finding, verdict.sources)
        if finding.edits:
            yield Remedy(finding.cause, _what(finding), finding.edits, finding)
        for name in FROM_OUTSIDE.get(finding.cause, ()):
            yield outside(name, finding)


#: By cause: how a line that seeds its generators reads.
_ABOUT: Final[Mapping[str, re.Pattern[str]]] = MappingProxyType(
    {
        "unseeded-numpy-random": re.compile(r"\bnp\b|numpy|default_rng|RandomState|SeedSequence"),
        "unseeded-python-random": re.compile(r"(?<![.\w])random\.|Random\("),
        "unseeded-torch-generator": re.compile(r"torch|manual_seed"),
    }
)


def single_seeds(finding: Finding, sources: Mapping[str, str]) -> Iterator[Remedy]:
    """Of a finding that seeds several generators each line alone, those that it is about.

    ``sources``: the text that the edits are of, by file.
    """
    about = _ABOUT.get(finding.cause)
    if about is None:
        return
    added: list[tuple[str, Edit]] = []  # a line that is new, and the edit that brings it alone
    imports: list[tuple[Edit, int]] = []  # edits that bring imports alone, and where the line itself stays
    for edit in finding.edits:
        lines = sources.get(edit.file, "").split("\n")
        own = lines[edit.line - 1] if 0 < edit.line <= len(lines) else None
        new = edit.replacement.split("\n")
        if own not in new:
            added.append((edit.replacement.strip(), edit))
            continue
        at = new.index(own)
        brought = {number: bound_names(line) for number, line in enumerate(new) if number != at}
        others = [number for number, names in brought.items() if not names and new[number].strip()]
        if not others:
            imports.append((edit, at))
        for number in others:
            if not _is_whole(new[number]):
                return
            kept = {at, number, *(n for n, names in brought.items() if uses(new[number], names))}
            text = "\n".join(line for place, line in enumerate(new) if place in kept)
            added.append((new[number].strip(), replace(edit, replacement=text)))
    if len(added) < 2:
        return
    for what, edit in added:
        if about.search(what):
            yield Remedy(finding.cause, what, (*_imported(what, imports), edit), finding)


def _imported(what: str, imports: Iterable[tuple[Edit, int]]) -> Iterator[Edit]:
    """Of edits that bring imports, those lines that a statement uses."""
    for edit, at in imports:
        lines = edit.replacement.split("\n")
        kept = [n == at or uses(what, bound_names(line)) for n, line in enumerate(lines)]
        if sum(kept) > 1:
            text = "\n".join(line for line, keep in zip(lines, kept, strict=True) if keep)
            yield replace(edit, replacement=text)


def _is_whole(line: str) -> bool:
    """Whether a line is a statement by itself."""
    try:
        ast.parse(line.strip())
    except SyntaxError:
        return False
    return True


def _what(finding: Finding) -> str:
    """The first line that a fix brings."""
    for edit in finding.edits:
        for line in edit.replacement.split("\n"):
            text = line.strip()
            if text and not text.startswith(("import ", "from ", "#")):
                return text
    return finding.cause
