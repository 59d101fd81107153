"""Whether a program's failure may be ours: its error names what only our rewriting puts into a program."""

from __future__ import annotations

import re
from typing import Final

_OURS: Final = re.compile(
    r"__samebits_\w+__|"
    r"File \"[^\"\n]*samebits[/\\](?:record|observe|usercode|control|launch)[/\\][^\"\n]*\.py\""
)


def blames_us(text: str) -> bool:
    """Whether an error's text names our own names or shows our frames."""
    return _OURS.search(text) is not None
