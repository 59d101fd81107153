"""What one rule finds in a text, and what its fix makes of it: for the tests of rules."""

from __future__ import annotations

import ast

from samebits.audit.engine import chosen, joined
from samebits.audit.one_file import audited_source
from samebits.audit.reading import Source
from samebits.causes._edits import Draft, applied
from samebits.model.finding import Finding


def findings(rule: str, text: str) -> list[Finding]:
    """What the rule finds, also one that is off by itself."""
    return list(joined([audited_source(Source("<text>", text))], chosen([rule])).findings)


def lines(rule: str, text: str) -> list[int]:
    """The lines of what the rule finds."""
    return [found.site.line for found in findings(rule, text) if found.site is not None]


def mended(rule: str, text: str) -> str:
    """The text with the fix of the rule's one finding made."""
    (found,) = findings(rule, text)
    assert found.hit is not None
    assert found.hit.mend is not None
    draft, place = Draft("<text>", text), found.hit.place
    node = next(
        node
        for node in ast.walk(draft.tree)
        if isinstance(node, ast.Call)
        and (node.lineno, node.col_offset + 1) == (place.line, place.column)
        and (node.end_lineno, (node.end_col_offset or 0) + 1) == (place.end_line, place.end_column)
    )
    found.hit.mend(draft, node)
    return applied(text, draft.edits())
