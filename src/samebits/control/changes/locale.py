"""The locale: how numbers, dates and texts are written, read and sorted."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from functools import cache
from typing import Final

from samebits.control.change import Change

#: Of those that a system has, the first that is not the given one: a decimal comma, other rules for letters.
_WANTED: Final = ("de_DE.utf8", "fr_FR.utf8", "tr_TR.utf8", "C", "C.utf8")


@cache
def _there() -> frozenset[str]:
    try:
        told = subprocess.run(
            ["locale", "-a"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.SubprocessError):
        told = ""
    return frozenset(line.strip().lower() for line in told.splitlines())


def _plain(name: str) -> str:
    return name.lower().replace("utf-8", "utf8")


def _other(variables: Mapping[str, str]) -> Mapping[str, str]:
    now = variables.get("LC_ALL") or variables.get("LC_CTYPE") or variables.get("LANG") or "C.utf8"
    known = _there() | {"c"}
    found = (name for name in _WANTED if _plain(name) in known and _plain(name) != _plain(now))
    return {"LC_ALL": next(found, "C")}


CHANGES = (
    Change(
        name="locale",
        what="another locale (LC_ALL)",
        why="how texts are read, written or sorted depends on the locale: name an encoding, a format, a key.",
        variables=_other,
    ),
)
