"""Seeding: one number in, every random number of the process determined.

Derivation (`derive`), the process-wide generators (`everything`), streams by
name (`streams`), what all of them stand at (`state`, `scope`).
"""

from __future__ import annotations

from samebits.seeding.derive import SEED_LIMIT as SEED_LIMIT
from samebits.seeding.derive import Key as Key
from samebits.seeding.everything import Seeded as Seeded
from samebits.seeding.everything import seed_everything as seed_everything
from samebits.seeding.hash_seed import HashSeedWarning as HashSeedWarning
from samebits.seeding.hash_seed import ensure_hash_seed as ensure_hash_seed
from samebits.seeding.libraries import register_library as register_library
from samebits.seeding.streams import Streams as Streams

__all__ = [
    "SEED_LIMIT",
    "HashSeedWarning",
    "Key",
    "Seeded",
    "Streams",
    "ensure_hash_seed",
    "register_library",
    "seed_everything",
]
