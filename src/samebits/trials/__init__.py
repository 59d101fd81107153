"""Many runs of one program: what reaches its results (`stress`).  No torch is imported here."""

from __future__ import annotations
