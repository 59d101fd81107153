"""What a cause's rule is: it reads source, parsed and never run, and yields what is wrong there.

A rule knows nothing of comments, options or output; `audit` reads files, runs the rules and makes a
`Finding` of each `Hit`.  What a rule cannot know from the source, it does not report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from samebits.source.module import Module
from samebits.source.project import Project
from samebits.source.summary import SourcePlace


@dataclass(frozen=True, slots=True)
class Hit:
    """One place that has the fault.

    Attributes:
        place: where.
        why: one sentence.
        fix: code to paste.
        mend: makes the fix: called with a `causes._edits.Draft` of the file, and the node of the place.
        safe: whether what the mended program does, the program could have done before.
        places: others that have to do with it, each with what is there.
        returned_by: the function that returns what has the fault: where every caller in the project mends
            it (sorts what it gets), there is none.
        instead: places that have the same fault: where a comment leaves this one out, the first of them is
            told that none does.
    """

    place: SourcePlace
    why: str
    fix: str
    mend: Callable[[Any, Any], None] | None = None
    safe: bool = False
    places: tuple[tuple[SourcePlace, str], ...] = ()
    returned_by: str | None = None
    instead: tuple[SourcePlace, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A cause's rule.

    Attributes:
        file: looks at one file.
        project: looks at all files of a project together.
        confirm: of what `file` found in a project's files, what stands there: another file may answer for it.
        fragile: what it finds repeats as it is, and no longer after an unrelated change.
        selected: whether it runs unless it is left out; else it runs where it is asked for.
    """

    file: Callable[[Module], Iterable[Hit]] | None = None
    project: Callable[[Project], Iterable[Hit]] | None = None
    confirm: Callable[[Project, Sequence[Hit]], Iterable[Hit]] | None = None
    fragile: bool = False
    selected: bool = True
