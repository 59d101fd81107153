"""Audit: the causes' rules, run over source that is read and never executed.

    from samebits.audit import audit_file
    for finding in audit_file("train.py"):
        print(finding)                       # train.py:12:7: hash-order: list() takes the order of a set, ...

One file at a time; a line says `# samebits: ignore` or `# samebits: ignore[hash-order]` to be left out.
"""

from __future__ import annotations

from samebits.audit.engine import audit_file as audit_file
from samebits.audit.engine import audit_source as audit_source
from samebits.model.finding import Finding as Finding

__all__ = ["Finding", "audit_file", "audit_source"]
