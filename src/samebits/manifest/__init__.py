"""The manifest: what a run ran on, and how two of them differ."""

from __future__ import annotations

from samebits.manifest.arguments import alike as alike
from samebits.manifest.arguments import connection_file as connection_file
from samebits.manifest.arguments import redacted as redacted
from samebits.manifest.collect import collect as collect
from samebits.manifest.collect import collect_static as collect_static
from samebits.manifest.diff import diff as diff
from samebits.manifest.git import git as git
from samebits.manifest.manifest import Manifest as Manifest
from samebits.manifest.secrets import redact as redact
from samebits.manifest.variables import variables as variables

__all__ = [
    "Manifest",
    "alike",
    "collect",
    "collect_static",
    "connection_file",
    "diff",
    "git",
    "redact",
    "redacted",
    "variables",
]
