"""What looks like a secret and is therefore never recorded.

The allow-list of variables is the first fence; this is the second, for what
people paste where it does not belong: a token in an allowed variable, a
password on the command line, a key in an uncommitted line of source.  It errs
towards leaving out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

#: Stands where something was left out.
LEFT_OUT: Final = "<left out>"

_NAME = re.compile(
    r"(?i)(?:^|[-_.])(?:api[-_]?keys?|access[-_]?keys?|private[-_]?keys?|secrets?|token|passwords?|passwd|pwd"
    r"|passphrase|credentials?|auth|authorization|bearer|cookie)(?:$|[-_.])"
)
_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|://[^/\s:@]*:[^/\s@]+@"  # a password inside an address
    r"|\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_-]{16,}"
    r"|\bhf_[A-Za-z0-9]{20,}|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bAKIA[0-9A-Z]{12,}|\bAIza[A-Za-z0-9_-]{30,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
    r"|(?i:\bbearer\s+[A-Za-z0-9._~+/-]{16,})"
    r"|(?<![A-Za-z0-9+/_=-])(?=[A-Za-z0-9+/_-]*[0-9])(?=[A-Za-z0-9+/_-]*[A-Za-z])[A-Za-z0-9+_-]{40,}={0,2}(?![A-Za-z0-9+/_-])"
)
_ASSIGNMENT = re.compile(r"""(?i)\b([\w.-]*)["']?\s*[:=]\s*["'][^"']{6,}["']""")


def secret_name(name: str) -> bool:
    """Whether a variable or option of this name may hold a secret."""
    return _NAME.search(name) is not None


def secret_value(text: str) -> bool:
    """Whether the text itself looks like a key, a token or a password."""
    return _VALUE.search(text) is not None


def redacted(argv: Sequence[str]) -> list[str]:
    """A command line without its secrets: `--token X`, `--token=X`, `TOKEN=X`, values that look like one."""
    words: list[str] = []
    hide_next = False
    for word in argv:
        name, equals, _ = word.partition("=")
        if hide_next and not word.startswith("--"):
            words.append(LEFT_OUT)
            hide_next = False
        elif equals and secret_name(name.lstrip("-")):
            words.append(f"{name}={LEFT_OUT}")
            hide_next = False
        else:
            hide_next = word.startswith("-") and not equals and secret_name(word.lstrip("-"))
            words.append(LEFT_OUT if secret_value(word) else word)
    return words


def redact(text: str) -> str:
    """A text in which every line that seems to hold a secret is replaced; it keeps its number of lines."""
    return without_secret_lines(text)


def without_secret_lines(text: str) -> str:
    """A source diff in which every line that seems to hold a secret is replaced."""
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    if secret_value(line) or any(secret_name(found[1]) for found in _ASSIGNMENT.finditer(line)):
        return line[:1] + LEFT_OUT
    return line
