"""What is told of an audit, to a person or a tool: the findings, their edits, and what was done."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from samebits.audit.baseline import KnownFinding
from samebits.audit.engine import Audit
from samebits.audit.fixes import Unmended
from samebits.audit.locations import of_site
from samebits.audit.marks import Mark, marks
from samebits.audit.mender import Mender
from samebits.audit.texts import Texts
from samebits.model.finding import Edit, Finding

FORMAT: Final = "samebits.audit"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class AuditResult:
    """An audit, as it is told.

    Attributes:
        audit: with the findings that are reported.
        texts: the files that these are in.
        rules: the names of those that ran.
        edits: of each finding, those of its fix; empty where none can be made.
        marks: of each finding, what a run says of it.
        hidden: how many findings the baseline has.
        gone: what the baseline has and is not found any more.
        mended: how many findings were mended, and in which files.
        left: findings whose fix could not be made, and why.
        only: the one file whose findings are reported, an editor's; the others are its project.
    """

    audit: Audit
    texts: Texts = field(default_factory=Texts)
    rules: Collection[str] = ()
    edits: tuple[tuple[Edit, ...], ...] = ()
    marks: tuple[Mark | None, ...] = ()
    hidden: int = 0
    gone: tuple[KnownFinding, ...] = ()
    mended: int = 0
    files: tuple[str, ...] = ()
    left: tuple[Unmended, ...] = ()
    only: str | None = None

    @property
    def exit_status(self) -> int:
        if self.audit.unread:
            return 2
        return 1 if self.audit.findings else 0

    @property
    def mendable(self) -> tuple[int, int]:
        """How many findings `--fix` mends, and how many more `--unsafe-fixes`."""
        pairs = zip(self.audit.findings, self.edits, strict=True)
        safe = [finding.hit is not None and finding.hit.safe for finding, edits in pairs if edits]
        return sum(safe), len(safe) - sum(safe)

    def as_json(self) -> dict[str, Any]:
        """As docs/reference/audit.schema.json has it."""
        rows = zip(self.audit.findings, self.edits, self.marks, strict=True)
        return {
            "format": FORMAT,
            "version": VERSION,
            "files": self.audit.files,
            "lines": self.audit.lines,
            "findings": [self._finding(*row) for row in rows],
            "errors": [
                {"file": one.file, "cell": one.cell, "line": one.line, "why": one.why}
                for one in self.audit.unread
            ],
            "unused_ignores": [
                {"file": file, "cell": cell, "line": line, "names": list(names)}
                for site, names in self.audit.unused
                for file, cell, line in [of_site(site)]
            ],
            "baseline": {"hidden": self.hidden, "gone": [one._asdict() for one in self.gone]},
            "mended": {
                "findings": self.mended,
                "files": list(self.files),
                "left": [
                    {"rule": one.finding.cause, **self._where(one.finding), "why": one.why}
                    for one in self.left
                ],
            },
        }

    def _where(self, finding: Finding) -> dict[str, Any]:
        assert finding.hit is not None
        cell, line, _ = self.texts.where(finding.hit.place)
        return {"file": finding.hit.place.file, "cell": cell, "line": line}

    def _finding(self, finding: Finding, edits: tuple[Edit, ...], mark: Mark | None) -> dict[str, Any]:
        hit = finding.hit
        assert hit is not None
        cell, line, end_line = self.texts.where(hit.place)
        return {
            "rule": finding.cause,
            "file": hit.place.file,
            "cell": cell,
            "line": line,
            "column": hit.place.column,
            "end_line": end_line,
            "end_column": hit.place.end_column or None,
            "fragile": finding.fragile,
            "why": finding.why,
            "fix": finding.fix,
            "edits": [self._edit(edit) for edit in edits],
            "safe": hit.safe,
            "places": [
                {"file": place.file, "cell": of, "line": first, "what": what}
                for place, what in hit.places
                for of, first, _ in [self.texts.where(place)]
            ],
            "run": mark,
        }

    def _edit(self, edit: Edit) -> dict[str, Any]:
        cell, line = self.texts.cell(edit.file, edit.line)
        return edit.as_json() | {"cell": cell, "line": line}


def edits_of(audit: Audit, texts: Texts) -> tuple[tuple[Edit, ...], ...]:
    """Of each finding of an audit the edits of its fix, made by itself."""
    menders: dict[str, Mender] = {}
    found = []
    for finding in audit.findings:
        hit = finding.hit
        edits: tuple[Edit, ...] = ()
        source = None if hit is None or hit.mend is None else texts.source(hit.place.file)
        if hit is not None and source is not None:
            if source.file not in menders:
                menders[source.file] = Mender(source)
            edits = menders[source.file].alone(hit)
        found.append(edits)
    return tuple(found)


def marks_of(audit: Audit, run: Path | None, texts: Texts) -> tuple[Mark | None, ...]:
    """Of each finding of an audit what a run says, if one is given.

    Raises:
        RecordError: it cannot be read.
    """
    return (None,) * len(audit.findings) if run is None else marks(audit.findings, run, texts)
