"""How two manifests differ, and which of the differences can change bits.

A manifest may come from another machine and another version of samebits, so
nothing is taken for granted of its shape: both are flattened to dotted keys and
compared key by key.  What each difference does is said by `effects`, once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from samebits.manifest import effects
from samebits.manifest.effects import EFFECTS, Effect, KnownEffect
from samebits.manifest.flags import DEFAULTS
from samebits.model.divergence import EnvironmentDifference

#: Differ between any two runs of one program; never a difference.
_PASSING: Final = ("created", "git.diff", "git.diff_cut", "pid", "seconds", "time")
_DEPTH: Final = 6


@dataclass(frozen=True, slots=True)
class RankedDifference:
    """A difference of two manifests, what it does to bits, and the rows that differ because of it."""

    key: str
    a: Any
    b: Any
    effect: Effect
    why: str
    follow: tuple[EnvironmentDifference, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As docs/reference/manifest.md has it."""
        follow = [{"key": row.key, "a": row.a, "b": row.b} for row in self.follow]
        return {
            "key": self.key,
            "a": self.a,
            "b": self.b,
            "effect": self.effect,
            "why": self.why,
            "follow": follow,
        }


def diff(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[EnvironmentDifference]:
    """The keys whose values differ, those with the strongest effect first; absent counts as None."""
    return [row for row, _ in _differing(a, b)]


def ranked(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[RankedDifference]:
    """As `diff`, each with its effect and the reason; what follows from another row stands under that row."""
    rows = _differing(a, b)
    keys = {row.key: row for row, _ in rows}
    leaders = {key: effects.leader(key, keys) for key in keys}
    return [
        RankedDifference(
            row.key,
            row.a,
            row.b,
            known.effect,
            known.why,
            tuple(keys[key] for key in keys if leaders[key] == row.key),
        )
        for row, known in rows
        if leaders[row.key] is None
    ]


def _differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[tuple[EnvironmentDifference, KnownEffect]]:
    left, right = dict(flat(a)), dict(flat(b))
    rows = []
    for key in sorted(left.keys() | right.keys()):
        if _is_under(key, _PASSING) or _same(_value(left, key), _value(right, key)):
            continue
        known = effects.effect(key, left, right)
        row = EnvironmentDifference(key, left.get(key), right.get(key), matters=known.effect != "none")
        rows.append((row, known))
    return sorted(rows, key=lambda row: EFFECTS.index(row[1].effect))


def _value(rows: Mapping[str, Any], key: str) -> Any:
    """The value of a row.  A switch that is not there has torch's default."""
    value = rows.get(key)
    if value is None and key.startswith("flags."):
        return DEFAULTS.get(key.removeprefix("flags."))
    return value


def _same(a: Any, b: Any) -> bool:
    # 1 == True == 1.0 in Python; a switch that became a number is a difference.
    return type(a) is type(b) and bool(a == b)


def _is_under(key: str, roots: tuple[str, ...]) -> bool:
    return any(key == root or key.startswith(root + ".") for root in roots)


def flat(value: Mapping[str, Any], prefix: str = "", depth: int = 1) -> Iterator[tuple[str, Any]]:
    """The rows of a manifest by dotted keys."""
    for name, item in value.items():
        key = f"{prefix}{name}"
        if isinstance(item, Mapping) and item and depth < _DEPTH:
            yield from flat(item, key + ".", depth + 1)
        elif not isinstance(item, Mapping) or item:
            yield key, item
