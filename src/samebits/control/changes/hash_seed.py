"""The secret of Python's hashes: sets of strings, and what is ordered by `hash()`, come in another order."""

from __future__ import annotations

from collections.abc import Mapping

from samebits.control.change import Change
from samebits.determinism.environment import HASH_SECRET


def _other(variables: Mapping[str, str]) -> Mapping[str, str]:
    given = variables.get(HASH_SECRET, "")
    now = int(given) if given.isascii() and given.isdigit() else 0
    return {HASH_SECRET: str((now + 1) % 2**32)}


CHANGES = (
    Change(
        name="hash-seed",
        what="another hash secret (PYTHONHASHSEED)",
        why="the order of a set, or a number made by hash(), decides a result: sort it, or use hashlib.",
        variables=_other,
        cause="hash-order",
    ),
)
