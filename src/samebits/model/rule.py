"""What a cause's rule is: it reads one source file, parsed and never run, and yields what is wrong there.

A rule knows nothing of files, comments or output; `audit` parses, runs the rules and makes a `Problem` of
each `Hit`.  What a rule cannot know from the one file, it does not report.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple


class Hit(NamedTuple):
    """One place in the tree that has the fault."""

    node: ast.expr | ast.stmt
    why: str  # one sentence
    fix: str  # code to paste


#: A cause's rule.
Rule = Callable[[ast.Module], Iterable[Hit]]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What an audit reports: a place in a file, which cause it has (`code`), why, and the fix to paste."""

    file: str
    line: int  # from 1
    column: int  # from 1, in characters
    code: str  # the cause's name
    why: str
    fix: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.code}: {self.why}"
