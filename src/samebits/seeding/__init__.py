"""Seeding: one number in, every generator of the process set."""

from __future__ import annotations

from samebits.seeding.everything import SEED_LIMIT as SEED_LIMIT
from samebits.seeding.everything import seed_everything as seed_everything

__all__ = ["SEED_LIMIT", "seed_everything"]
