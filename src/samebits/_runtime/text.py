"""Text from somewhere else, fit to be shown: on a terminal, in a notebook, on a page."""

from __future__ import annotations

import unicodedata
from typing import Final

#: Stands where a secret was left out of what is kept.
LEFT_OUT: Final = "<left out>"
_LONGEST: Final = 2000  # characters shown of any one recorded text


def clean(text: object, *, lines: bool = False) -> str:
    """Recorded text without anything a terminal acts upon.

    Control characters, also those that turn the direction of writing, become visible escapes; a line
    break stays where ``lines`` allows it.
    """
    shown = []
    raw = str(text)
    for character in raw[:_LONGEST]:
        if (lines and character == "\n") or unicodedata.category(character) not in (
            "Cc",
            "Cf",
            "Cs",
            "Co",
            "Zl",
            "Zp",
        ):
            shown.append(character)
        elif character == "\t":
            shown.append("    " if lines else " ")
        else:
            shown.append(ascii(character)[1:-1])
    return "".join(shown) + ("..." if len(raw) > _LONGEST else "")


def letter(number: int) -> str:
    """What a run is called beside others, from 0 on: "A", "B", ... "Z", "AA"."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text
