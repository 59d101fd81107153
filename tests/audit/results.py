"""An audit of what is in the working folder, as it is told."""

from __future__ import annotations

from samebits.audit.engine import audit_paths, chosen
from samebits.audit.result import AuditResult, edits_of
from samebits.audit.texts import Texts


def result(*paths: str) -> AuditResult:
    audit = audit_paths(paths or (".",), cache=False)
    texts = Texts()
    edits = edits_of(audit, texts)
    return AuditResult(audit, texts, chosen(), edits, (None,) * len(audit.findings))
