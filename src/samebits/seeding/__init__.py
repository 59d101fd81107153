"""Seeding: one number in, every random number of the process determined.

Derivation (`derive`), the process-wide generators (`everything`), streams by
name (`streams`), the state of all of them (`state`, `scope`).
Loaded on first use: importing the package imports none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from samebits._runtime.lazy import lazy

if TYPE_CHECKING:
    from samebits.seeding.derive import SEED_LIMIT as SEED_LIMIT
    from samebits.seeding.derive import Key as Key
    from samebits.seeding.discovery import discover as discover
    from samebits.seeding.everything import Seeded as Seeded
    from samebits.seeding.everything import seed_everything as seed_everything
    from samebits.seeding.hash_seed import HashSeedWarning as HashSeedWarning
    from samebits.seeding.hash_seed import ensure_hash_seed as ensure_hash_seed
    from samebits.seeding.libraries import register_library as register_library
    from samebits.seeding.ranks import RankWarning as RankWarning
    from samebits.seeding.registry import register as register
    from samebits.seeding.registry import unregister as unregister
    from samebits.seeding.scope import isolated as isolated
    from samebits.seeding.scope import preserved as preserved
    from samebits.seeding.state import Restored as Restored
    from samebits.seeding.state import capture_rng as capture_rng
    from samebits.seeding.state import restore_rng as restore_rng
    from samebits.seeding.streams import Streams as Streams

_HOMES = {
    "HashSeedWarning": "samebits.seeding.hash_seed",
    "Key": "samebits.seeding.derive",
    "RankWarning": "samebits.seeding.ranks",
    "Restored": "samebits.seeding.state",
    "SEED_LIMIT": "samebits.seeding.derive",
    "Seeded": "samebits.seeding.everything",
    "Streams": "samebits.seeding.streams",
    "capture_rng": "samebits.seeding.state",
    "discover": "samebits.seeding.discovery",
    "ensure_hash_seed": "samebits.seeding.hash_seed",
    "isolated": "samebits.seeding.scope",
    "preserved": "samebits.seeding.scope",
    "register": "samebits.seeding.registry",
    "register_library": "samebits.seeding.libraries",
    "restore_rng": "samebits.seeding.state",
    "seed_everything": "samebits.seeding.everything",
    "unregister": "samebits.seeding.registry",
}

__all__ = [
    "SEED_LIMIT",
    "HashSeedWarning",
    "Key",
    "RankWarning",
    "Restored",
    "Seeded",
    "Streams",
    "capture_rng",
    "discover",
    "ensure_hash_seed",
    "isolated",
    "preserved",
    "register",
    "register_library",
    "restore_rng",
    "seed_everything",
    "unregister",
]

__getattr__ = lazy(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted(__all__)
