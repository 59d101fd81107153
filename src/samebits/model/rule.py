"""What a cause's rule is: it reads one source file, parsed and never run, and yields what is wrong there.

A rule knows nothing of files, comments or output; `audit` parses, runs the rules and makes a `Finding` of
each `Hit`.  What a rule cannot know from the one file, it does not report.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from typing import NamedTuple


class Hit(NamedTuple):
    """One place in the tree that has the fault."""

    node: ast.expr | ast.stmt
    why: str  # one sentence
    fix: str  # code to paste


#: A cause's rule.
Rule = Callable[[ast.Module], Iterable[Hit]]
