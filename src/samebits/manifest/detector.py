"""Where in a text a secret of a known form stands, by the rules of gitleaks (rules.json).

The rules are many and most texts hold none, so a rule is compiled only when one of its keywords is in the
text.  `tools/secret_rules.py` makes the file; what it holds is data, so that a newer release is one command.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

Span = tuple[int, int]

_FILE: Final = Path(__file__).with_name("rules.json")
#: The rule for whatever is named like a key and looks random; all others know the form of one service's keys.
_GENERIC: Final = "generic-api-key"
_CHANGES: Final = re.compile(r"(?<=[0-9])(?=[A-Za-z])|(?<=[A-Za-z])(?=[0-9])|(?<=[a-z])(?=[A-Z])")
_SEPARATORS: Final = re.compile(r"[^A-Za-z0-9]+")
_UUID: Final = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class SecretForm:
    """One form of secret.  ``group`` is the part that is secret; None: the first that matched, or all."""

    name: str
    keywords: tuple[str, ...]
    pattern: str
    entropy: float
    group: int | None

    def spans(self, text: str) -> Iterator[Span]:
        for found in re.finditer(self.pattern, text):
            groups = range(1, (found.re.groups or 0) + 1)
            group = self.group or next((g for g in groups if found[g]), 0)
            value = found[group]
            if not value or entropy(value) < self.entropy:
                continue
            if self.name == _GENERIC and not random_looking(value):
                continue
            yield found.span(group)


@cache
def rules() -> tuple[SecretForm, ...]:
    """The rules of the file."""
    rows = json.loads(_FILE.read_text(encoding="utf-8"))["rules"]
    return tuple(
        SecretForm(
            row["id"], tuple(row["keywords"]), row["pattern"], row.get("entropy", 0.0), row.get("group")
        )
        for row in rows
    )


def spans(text: str, *, generic: bool = True) -> Iterator[Span]:
    """Where secrets of known form stand; with ``generic``, also what is named like one and looks random."""
    lower = text.lower()
    for rule in rules():
        if (generic or rule.name != _GENERIC) and any(word in lower for word in rule.keywords):
            yield from rule.spans(text)


def entropy(text: str) -> float:
    """Shannon entropy in bits a character."""
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values()) if size else 0.0


def random_looking(text: str, *, least: int = 10) -> bool:
    """Whether letters and digits follow each other as they do in a key, and not as in a name or a path.

    In a random text nearly half of all neighbours are of another class (digit, upper, lower); in
    ``resnet50_pretrained_imagenet1k`` few are.
    """
    if _UUID.fullmatch(text):
        return False
    plain = _SEPARATORS.sub("", text)
    parts = [part for part in _SEPARATORS.split(text) if len(part) >= 6]
    if len(plain) < least or not parts or not any(c.isdigit() for c in plain) or plain.isdigit():
        return False
    inside = sum(len(part) for part in parts)
    changes = sum(len(_CHANGES.findall(part)) for part in parts)
    return changes >= 3 and inside >= 0.6 * len(plain) and changes >= 0.2 * inside and entropy(plain) >= 2.8
