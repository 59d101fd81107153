"""A finding: a cause that applies to a program, the line to change, why, and the fix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from samebits.model.sites import Site


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause of the catalogue as it applies to a program: by what two runs did, or by its source.

    Attributes:
        confidence: how sure, 0..1; what a rule finds in source is there, which is 1.
        site: the line to change, where it is known.
        why: what happens there, in a sentence.
        fix: code to paste.
        cause: the name of the cause; its matcher need not give it.
    """

    confidence: float
    site: Site | None
    why: str
    fix: str
    cause: str = ""

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
        }
