"""How two manifests differ, and which of the differences can change bits.

A manifest may come from another machine and another version of samebits, so
nothing is taken for granted of its shape: both are flattened to dotted keys and
compared key by key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from samebits.model.divergence import EnvironmentDifference

#: Differ between any two runs of one program; never a difference.
_PASSING: Final = ("created", "git.diff", "git.diff_cut", "pid", "seconds", "time")
#: Different, but no arithmetic depends on it.
_HARMLESS: Final = (
    "cwd",
    "executable",
    "hash.randomized",  # follows from the variable PYTHONHASHSEED, which is a row of its own
    "machine.kernel",
    "machine.memory",
    "samebits",
    "torch.interop_threads",
)
_DEPTH: Final = 6


def diff(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[EnvironmentDifference]:
    """The keys whose values differ, those that can change bits first; absent counts as None."""
    left, right = dict(flat(a)), dict(flat(b))
    rows = [
        EnvironmentDifference(
            key=key, a=left.get(key), b=right.get(key), matters=not _is_under(key, _HARMLESS)
        )
        for key in sorted(left.keys() | right.keys())
        if not _is_under(key, _PASSING) and not _same(left.get(key), right.get(key))
    ]
    return sorted(rows, key=lambda row: not row.matters)


def _same(a: Any, b: Any) -> bool:
    # 1 == True == 1.0 in Python; a switch that became a number is a difference.
    return type(a) is type(b) and bool(a == b)


def _is_under(key: str, roots: tuple[str, ...]) -> bool:
    return any(key == root or key.startswith(root + ".") for root in roots)


def flat(value: Mapping[str, Any], prefix: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        key = f"{prefix}{name}"
        if isinstance(item, Mapping) and item and depth < _DEPTH:
            yield from flat(item, key + ".", depth + 1)
        elif not isinstance(item, Mapping) or item:
            yield key, item
