"""The time zone of the process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from samebits.control.change import Change

#: Far from every zone that people live in, and the same without the system's table of zones.
_ZONES: Final = ("Pacific/Chatham", "America/St_Johns")
_WITHOUT_TABLE: Final = "<+1245>-12:45"


def _other(variables: Mapping[str, str]) -> Mapping[str, str]:
    zone = next(zone for zone in _ZONES if zone != variables.get("TZ"))
    return {"TZ": zone if Path("/usr/share/zoneinfo", zone).is_file() else _WITHOUT_TABLE}


CHANGES = (
    Change(
        name="time-zone",
        what="another time zone (TZ)",
        why="a date or an hour of the local time reaches a result: use UTC, or leave it out.",
        variables=_other,
        cause="wall-clock",
    ),
)
