"""The operations of two runs around the place where they part, aligned."""

from __future__ import annotations

from typing import Any

import pytest

from samebits.compare.around import around
from samebits.model.divergence import Divergence
from samebits.model.events import PARTIAL, PENDING, UNINITIALIZED, VIEW, Event
from samebits.model.sites import Site


def event(name: str, digest: int = 1, *, flags: int = 0, line: int = 1) -> Event:
    return Event(0, "op", name, "forward", 0, flags, digest, site=Site("train.py", line))


def rows(divergence: Divergence) -> list[tuple[str | None, str | None, bool | None, bool]]:
    return [(row.a and row.a.name, row.b and row.b.name, row.same, row.first) for row in around(divergence)]


def parted(
    change: Any, a: Event | None, b: Event | None, before: list[Event], *after: list[Event]
) -> Divergence:
    return Divergence(
        change, 0, "main", 0, a, b, before=before, before_b=before, after_a=after[0], after_b=after[1]
    )


def test_a_value_that_differs() -> None:
    """Only the first difference is the one that is meant, whatever follows from it."""
    found = parted("value", event("mm"), event("mm", 2), [event("t")],
                   [event("relu"), event("add", 3)], [event("relu", 7), event("add", 3)])  # fmt: skip
    assert rows(found) == [
        ("t", "t", True, False), ("mm", "mm", False, True), ("relu", "relu", False, False),
        ("add", "add", True, False),
    ]  # fmt: skip


def test_an_operation_that_one_alone_did() -> None:
    extra = event("dropout")
    tail = [event("mm"), event("relu")]
    assert rows(parted("missing", extra, None, [event("t")], tail, tail)) == [
        ("t", "t", True, False), ("dropout", None, False, True), ("mm", "mm", True, False),
        ("relu", "relu", True, False),
    ]  # fmt: skip
    assert rows(parted("extra", None, extra, [], tail, tail))[0] == (None, "dropout", False, True)


def test_an_operation_in_the_place_of_another() -> None:
    found = rows(parted("replaced", event("mm"), event("bmm"), [], [event("t")], [event("t")]))
    assert found == [("mm", None, False, True), (None, "bmm", False, True), ("t", "t", True, False)]


def test_one_name_at_two_lines_is_two_operations() -> None:
    found = rows(parted("replaced", event("mm", line=1), event("mm", line=2), [], [], []))
    assert [row[:2] for row in found] == [("mm", None), (None, "mm")]


@pytest.mark.parametrize("flag", [VIEW, UNINITIALIZED, PENDING, PARTIAL])
def test_what_no_digest_covers_is_not_called_equal(flag: int) -> None:
    before = [event("t", flags=flag)]
    assert rows(parted("value", event("mm"), event("mm", 2), before, [], []))[0] == ("t", "t", None, False)


def test_a_view_of_another_shape_differs() -> None:
    found = parted("value", event("t", 1, flags=VIEW), event("t", 2, flags=VIEW), [], [], [])
    assert rows(found) == [("t", "t", False, True)]


def test_runs_that_part_at_an_end() -> None:
    assert rows(parted("end", event("mm"), None, [event("t")], [], [])) == [
        ("t", "t", True, False), ("mm", None, False, True),
    ]  # fmt: skip
