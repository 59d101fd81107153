"""The table of the rules."""

from __future__ import annotations

import io

from rich.console import Console
from tests.audit.planted import CATALOGUE

from samebits.report.rules import print_rules, seen_in_source


def test_where_each_is_seen() -> None:
    assert [seen_in_source(CATALOGUE[name]) for name in ("listing", "number", "unasked")] == [
        "yes",
        "fragile",
        "with --select",
    ]


def test_the_table() -> None:
    stream = io.StringIO()
    print_rules(CATALOGUE.values(), Console(file=stream))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1 + len(CATALOGUE)
    assert lines[0].split() == ["name", "in", "short", "in", "source", "in", "runs"]
