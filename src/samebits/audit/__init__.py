"""Audit: the causes' rules, run over source that is read and never executed.

    from samebits.audit import audit_paths
    for finding in audit_paths(["project"]).findings:
        print(finding)              # project/train.py:12:7: hash-order: list() takes the order of a set, ...

Files below a folder are one project: calls and imports are followed.  A line says `# samebits: ignore` or
`# samebits: ignore[hash-order]` to be left out.
"""

from __future__ import annotations

from samebits.audit.engine import Audit as Audit
from samebits.audit.engine import audit_file as audit_file
from samebits.audit.engine import audit_paths as audit_paths
from samebits.audit.engine import audit_source as audit_source
from samebits.model.finding import Finding as Finding

__all__ = ["Audit", "Finding", "audit_file", "audit_paths", "audit_source"]
