"""What a self-test found: equal, different, unknown or corrupt; and of which operations.

Other bits on another kind of machine are a difference.  Other bits where they must be equal are corruption:
on a machine of the same kind, in a second run here, on another number of threads, or of integers anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from samebits.selftest.known import KnownBits, KnownMachine

#: Where a piece had to be equal and was not.
Where = Literal["everywhere", "again", "threads", "kind"]
_SAID: Final[Mapping[Where, str]] = {
    "everywhere": "has other bits than on every other machine",
    "again": "had other bits when it was run again",
    "threads": "has other bits on two threads, where it must not",
    "kind": "has other bits than machines of this kind",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """A piece that had to be equal.  ``expected`` and ``got`` are hashes."""

    name: str
    where: Where
    expected: str
    got: str

    @property
    def sentence(self) -> str:
        return f"{self.name} {_SAID[self.where]}"


@dataclass(frozen=True, slots=True)
class Runs:
    """The hashes of each piece by name: twice on one thread, and of what is exact on two."""

    exact: Mapping[str, str]
    floats: Mapping[str, str]
    again: Mapping[str, str]
    threads: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What was found.

    Attributes:
        kind: what kind of machine this is.
        runs: the hashes.
        wrong: pieces that had to be equal and were not.
        machine: the known machine of this kind, or None.
        nearest: where the kind is not known, the one that has most bits in common.
    """

    kind: Mapping[str, Any]
    runs: Runs
    wrong: tuple[Wrong, ...]
    machine: KnownMachine | None
    nearest: KnownMachine | None

    @property
    def word(self) -> Literal["equal", "different", "unknown", "corrupt"]:
        """ "equal" to a known machine of this kind; "different" from one of another kind; "unknown": none is
        known that differs; "corrupt": wrong."""
        if self.wrong:
            return "corrupt"
        if self.machine is not None:
            return "equal"
        return "different" if self.different else "unknown"

    @property
    def exit_status(self) -> int:
        """1 if something is wrong, else 0."""
        return 1 if self.wrong else 0

    @property
    def different(self) -> tuple[str, ...]:
        """Where the kind is not known: pieces that differ from the nearest machine, which may be."""
        if self.nearest is None:
            return ()
        bits = self.nearest.hashes
        return tuple(name for name, value in self.runs.floats.items() if bits.get(name, value) != value)

    @property
    def other_rows(self) -> dict[str, tuple[Any, Any]]:
        """In what the kind differs from the nearest machine's: here, and there."""
        there: Mapping[str, Any] = self.nearest.kind if self.nearest is not None else {}
        names = sorted({*self.kind, *there}) if there else []
        return {
            name: (self.kind.get(name), there.get(name))
            for name in names
            if self.kind.get(name) != there.get(name)
        }

    @property
    def headline(self) -> str:
        """In a sentence."""
        count = len(self.runs.exact) + len(self.runs.floats)
        if self.wrong:
            more = len(self.wrong) - 1
            return self.wrong[0].sentence + (f", and {more} more" if more else "")
        if self.machine is not None:
            return f"all {count} pieces have the bits of a machine of this kind"
        floats = f"{len(self.runs.floats)} of floats were checked against nothing"
        exact = (
            f"this kind of machine is not known yet: the {len(self.runs.exact)} exact pieces are right, the"
        )
        if self.different:
            return (
                f"{exact} {floats}; {len(self.different)} differ from the nearest known machine, as they may"
            )
        return f"{exact} {floats}"

    def entry(self) -> str:
        """The line that makes this machine known, for `machines` of selftest/known.json."""
        return json.dumps({"kind": dict(self.kind), "hashes": dict(self.runs.floats)}, sort_keys=True)

    def as_json(self) -> dict[str, Any]:
        """The document of docs/reference/selftest.md."""
        return {
            "format": "samebits.selftest",
            "version": 1,
            "verdict": self.word,
            "kind": dict(self.kind),
            "known": self.machine is not None,
            "wrong": [
                {"name": one.name, "where": one.where, "expected": one.expected, "got": one.got}
                for one in self.wrong
            ],
            "different": list(self.different),
            "other_rows": {name: list(pair) for name, pair in self.other_rows.items()},
            "exact": dict(self.runs.exact),
            "hashes": dict(self.runs.floats),
        }


def judged(kind: Mapping[str, Any], runs: Runs, table: KnownBits) -> SelfTest:
    """Lay what was computed beside itself and beside the table."""
    machine = table.of(kind)
    first = {**runs.exact, **runs.floats}
    wrong = [
        *_differing(runs.exact, table.exact, "everywhere"),
        *_differing(runs.again, first, "again"),
        *_differing(runs.threads, runs.exact, "threads"),
        *(() if machine is None else _differing(runs.floats, machine.hashes, "kind")),
    ]
    nearest = None if machine is not None else table.nearest(str(kind.get("device")), runs.floats)
    return SelfTest(kind, runs, tuple(wrong), machine, nearest)


def _differing(got: Mapping[str, str], expected: Mapping[str, str], where: Where) -> list[Wrong]:
    return [
        Wrong(name, where, expected[name], value)
        for name, value in got.items()
        if name in expected and expected[name] != value
    ]
