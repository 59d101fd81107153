"""A finding: a cause that applies to a program, the line to change, why, and the fix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from samebits.model.facts import Detail
from samebits.model.rule import Hit
from samebits.model.sites import Site


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a program's source: a line, and what stands there instead.

    Attributes:
        file: as a site names it.
        line: the line that is replaced, counted from 1 in the file as the program ran.
        replacement: the new text of that line, without a line end; of several lines, where lines are added.
    """

    file: str
    line: int
    replacement: str

    def as_json(self) -> dict[str, Any]:
        return {"file": self.file, "line": self.line, "replacement": self.replacement}


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause of the catalogue as it applies to a program: by what two runs did, or by its source.

    Attributes:
        confidence: how sure, 0..1; what a rule finds in source is there, which is 1.
        site: the line to change, where it is known.
        why: what happens there, in a sentence.
        fix: code to paste.
        cause: the name of the cause; its matcher need not give it.
        edits: the fix as changes of the program's source, all of them to be made; empty where none is known.
        subject: the fact that it is about; for `Cause.mend`, and not in the document.
        unclear: why the fix is no edit, where one was looked for; not in the document.
        fragile: of a rule: it repeats as it is, and no longer after an unrelated change.
        hit: of a rule, what it found; not in a verdict's document.
    """

    confidence: float
    site: Site | None
    why: str
    fix: str
    cause: str = ""
    edits: tuple[Edit, ...] = ()
    subject: Detail | None = None
    unclear: str = ""
    fragile: bool = False
    hit: Hit | None = None

    def __str__(self) -> str:
        return f"{self.site or 'an unknown line'}: {self.cause}: {self.why}"

    def as_json(self) -> dict[str, Any]:
        """As docs/reference/verdict.schema.json has it."""
        return {
            "name": self.cause,
            "confidence": round(self.confidence, 2),
            "file": self.site.file if self.site else None,
            "line": self.site.line if self.site else None,
            "why": self.why,
            "fix": self.fix,
            "edits": [edit.as_json() for edit in self.edits],
        }
