"""What variables were set to when this process started.

A library that reads a variable once reads it as it starts, or at its first use.  What a program writes
into `os.environ` may come too late for that, and the manifest's `variables` would not tell.  Linux keeps
what a process was given in /proc; a process that overwrites that memory, to show another title, is not
believed.
"""

from __future__ import annotations

import os
from typing import Final

from samebits.manifest.variables import variables

_FILE: Final = "/proc/self/environ"


def started() -> dict[str, str | None] | None:
    """Variables of a manifest whose value was another at the start -> what it was; None: it was not set.

    None in place of all where it cannot be known.
    """
    given = environment()
    if given is None:
        return None
    other = {name for name in given.keys() | os.environ.keys() if given.get(name) != os.environ.get(name)}
    first = variables({name: given[name] for name in other & given.keys()})
    now = variables({name: os.environ[name] for name in other & os.environ.keys()})
    return {name: first.get(name) for name in sorted(first | now)}


def environment() -> dict[str, str] | None:
    """The variables that this process was started with; None: it cannot be known."""
    try:
        with open(_FILE, "rb") as file:
            text = file.read()
    except OSError:
        return None
    pairs = [pair.partition(b"=") for pair in text.split(b"\0") if pair]
    if any(not name or not equals for name, equals, _ in pairs) or (not pairs and os.environ):
        return None
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}
