"""The findings as SARIF 2.1.0, which code scanning services and editors read.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from samebits import __version__
from samebits.audit.baseline import KnownFinding, keys
from samebits.audit.locations import file_lines, site_line, unread_line, uri
from samebits.audit.marks import Mark
from samebits.audit.result import AuditResult
from samebits.audit.texts import Texts
from samebits.causes import CATALOGUE
from samebits.model.cause import Cause
from samebits.model.finding import Edit, Finding
from samebits.source.summary import SourcePlace

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#: The rule of comments that leave out what is not there.
UNUSED: Final = "unused-ignore"
_UNUSED_HELP: Final = "A comment `# samebits: ignore` at a line where nothing is found. Remove it."


def sarif(result: AuditResult) -> dict[str, Any]:
    """A SARIF log of one run."""
    rules = [_rule(CATALOGUE[name]) for name in sorted(result.rules)]
    rules.append(
        {
            "id": UNUSED,
            "shortDescription": {"text": "A comment that leaves out nothing"},
            "help": {"text": _UNUSED_HELP},
            "defaultConfiguration": {"level": "note"},
        }
    )
    numbers = {rule["id"]: number for number, rule in enumerate(rules)}
    findings = result.audit.findings
    known = keys(findings, result.texts, Path.cwd())
    rows = zip(findings, result.edits, result.marks, known, strict=True)
    results = [_result(*row, result.texts, numbers) for row in rows]
    for site, names in result.audit.unused:
        what = f"ignore[{', '.join(names)}]" if names else "ignore"
        file, line = site_line(site, result.texts)
        results.append(
            {
                "ruleId": UNUSED,
                "ruleIndex": numbers[UNUSED],
                "level": "note",
                "message": {"text": f"`samebits: {what}` leaves out nothing."},
                "locations": [{"physicalLocation": _physical(file, {"startLine": line})}],
            }
        )
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "samebits", "version": __version__, "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {
                    "%SRCROOT%": {"description": {"text": "The folder in which samebits audit was started."}}
                },
                "invocations": [_invocation(result)],
                "results": results,
            }
        ],
    }


def _rule(cause: Cause) -> dict[str, Any]:
    fragile = cause.rule is not None and cause.rule.fragile
    sources = "".join(f"\n- <{link}>" for link in cause.sources)
    text = f"{cause.what}\n\n{cause.why}\n\n{cause.fix}"
    markdown = f"{cause.what}\n\n{cause.why}\n\n```python\n{cause.fix}\n```\n{sources}"
    rule: dict[str, Any] = {
        "id": cause.name,
        "name": "".join(word.capitalize() for word in cause.name.split("-")),
        "shortDescription": {"text": cause.title},
        "fullDescription": {"text": f"{cause.what} {cause.why}"},
        "help": {"text": text, "markdown": markdown},
        "defaultConfiguration": {"level": "warning" if fragile else "error"},
        "properties": {"tags": ["reproducibility", *(["fragile"] if fragile else [])]},
    }
    if cause.sources:
        rule["helpUri"] = cause.sources[0]
    return rule


def _result(
    finding: Finding,
    edits: Sequence[Edit],
    mark: Mark | None,
    known: KnownFinding,
    texts: Texts,
    numbers: dict[str, int],
) -> dict[str, Any]:
    hit = finding.hit
    assert hit is not None
    number = str(known.occurrence)
    digest = hashlib.sha256("\0".join(known[:3]).encode(errors="surrogatepass")).hexdigest()[:16]
    found: dict[str, Any] = {
        "ruleId": finding.cause,
        "ruleIndex": numbers[finding.cause],
        "level": "warning" if finding.fragile else "error",
        "message": {"text": finding.why},
        "locations": [{"physicalLocation": _physical(hit.place.file, _region(hit.place, texts))}],
        "partialFingerprints": {"primaryLocationLineHash": f"{digest}:{number}"},
    }
    if hit.places:
        found["relatedLocations"] = [
            {
                "id": number,
                "physicalLocation": _physical(place.file, _region(place, texts)),
                "message": {"text": what},
            }
            for number, (place, what) in enumerate(hit.places, 1)
        ]
    if edits and texts.cell(edits[0].file, 1)[0] is None:
        found["fixes"] = [{"description": {"text": finding.fix}, "artifactChanges": _changes(edits, texts)}]
    if mark is not None:
        found["properties"] = {"run": mark}
    return found


def _region(place: SourcePlace, texts: Texts) -> dict[str, int]:
    first, last, columns = file_lines(place, texts)
    region = {"startLine": first, "endLine": max(first, last)}
    if columns:
        region["startColumn"] = place.column
        if place.end_column:
            region["endColumn"] = place.end_column
    return region


def _physical(file: str, region: dict[str, int]) -> dict[str, Any]:
    return {"artifactLocation": uri(file), "region": region}


def _changes(edits: Sequence[Edit], texts: Texts) -> list[dict[str, Any]]:
    """The whole lines that a fix replaces."""
    of: dict[str, list[dict[str, Any]]] = {}
    for edit in edits:
        region = {
            "startLine": edit.line,
            "startColumn": 1,
            "endLine": edit.line,
            "endColumn": len(texts.line(edit.file, edit.line)) + 1,
        }
        of.setdefault(edit.file, []).append(
            {"deletedRegion": region, "insertedContent": {"text": edit.replacement}}
        )
    return [{"artifactLocation": uri(file), "replacements": rows} for file, rows in of.items()]


def _invocation(result: AuditResult) -> dict[str, Any]:
    notes = []
    for one in result.audit.unread:
        line = unread_line(one, result.texts)
        region = {} if line is None else {"region": {"startLine": line}}
        notes.append(
            {
                "level": "error",
                "message": {"text": one.why},
                "locations": [{"physicalLocation": {"artifactLocation": uri(one.file), **region}}],
            }
        )
    return {"executionSuccessful": not notes, "toolExecutionNotifications": notes}
