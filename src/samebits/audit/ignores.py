"""Comments that leave a line out: `# samebits: ignore`, or of one cause `# samebits: ignore[hash-order]`.

Only comments count, not texts that look like one, so the file is tokenized.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_COMMENT: Final = re.compile(r"#\s*samebits:\s*ignore(?:\[(?P<names>[^\]]*)\])?(?=\s|#|$)")


@dataclass(frozen=True, slots=True)
class Ignores:
    """Line -> the causes left out there; None for all."""

    lines: Mapping[int, frozenset[str] | None]

    def hides(self, line: int, name: str) -> bool:
        if line not in self.lines:
            return False
        names = self.lines[line]
        return names is None or name in names


def ignored(text: str) -> Ignores:
    """The comments of a text that parses."""
    found: dict[int, frozenset[str] | None] = {}
    if "samebits:" not in text:
        return Ignores(found)
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and (match := _COMMENT.search(token.string)):
                names = match["names"]
                words = None if names is None else frozenset(names.replace(",", " ").split())
                found[token.start[0]] = words
    except (tokenize.TokenError, SyntaxError):
        pass  # ast took it, the tokenizer did not: nothing more is left out
    return Ignores(found)
