"""The machines that are known: their kinds, and the bits they had.  The file is added to, never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

_FILE: Final = Path(__file__).with_name("known.json")


@dataclass(frozen=True, slots=True)
class KnownMachine:
    """A kind of machine, and the hash of each piece."""

    kind: Mapping[str, Any]
    hashes: Mapping[str, str]

    def alike(self, hashes: Mapping[str, str]) -> int:
        """How many pieces have the same bits."""
        return sum(self.hashes.get(name) == value for name, value in hashes.items())


@dataclass(frozen=True, slots=True)
class KnownBits:
    """The table: pieces that are equal everywhere, and the machines."""

    exact: Mapping[str, str]
    machines: tuple[KnownMachine, ...]

    def of(self, kind: Mapping[str, Any]) -> KnownMachine | None:
        """The machine of a kind, if it is known."""
        return next((one for one in self.machines if dict(one.kind) == dict(kind)), None)

    def nearest(self, device: str, hashes: Mapping[str, str]) -> KnownMachine | None:
        """The known machine with a device of this type that has most bits in common."""
        others = [one for one in self.machines if one.kind.get("device") == device]
        return max(others, key=lambda one: one.alike(hashes), default=None)


@cache
def known() -> KnownBits:
    """The table of the package."""
    data = json.loads(_FILE.read_text("utf-8"))
    machines = tuple(KnownMachine(row["kind"], row["hashes"]) for row in data["machines"])
    return KnownBits(data["exact"], machines)
