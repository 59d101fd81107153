"""The command line: reads words, calls a package below, prints, and chooses an exit code."""

from __future__ import annotations
