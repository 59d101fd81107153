"""Where sets are made is remembered as the program runs; none is kept alive, and a hot loop costs little."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
from tests.usercode.test_probes import FILE, Rows, run
from tests.usercode.test_probes import rows as rows

from samebits.usercode import made_sets


class Thing:
    """Hashed by its address."""


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> Iterator[None]:
    made_sets.forget()
    yield
    made_sets.forget()


HEAD = "a, b, c = (Thing() for _ in range(3))\n"
#: A program whose set is made in its second line, and iterated in the last.
PROGRAMS = {
    "a display": "found = {a, b}\nlist(found)",
    "a display of several lines": "found = {\n    a,\n    b}\nlist(found)",
    "a comprehension": "found = {x for x in (a, b)}\nlist(found)",
    "a call": "found = set((a, b))\nlist(found)",
    "filled later": "found = set()\nfound.add(a)\nfound.update((b, c))\nlist(found)",
    "frozen": "found = frozenset((a, b))\nlist(found)",
    "frozen again": "found = frozenset((a, b))\nfound = frozenset(found)\nlist(found)",
    "an attribute": "a.found = {a, b}\n[x for x in a.found]",
    "popped": "found = {a, b}\nfound.pop()",
    "picked by a key": "found = {a, b}\nmin(found, key=lambda x: 0)",
    "grown in place": "found = {a}\nfound |= {b, c}\nlist(found)",
    "returned": "def f(): return {a, b}\nlist(f())",
    "passed on": "found = {a, b}\ndef f(x):\n    for y in x: pass\nf(found)",
    "within a dict": "found = {'k': {a, b}}\nlist(found['k'])",
}  # fmt: skip
DERIVED = {
    "by an operator": ("one = {a, b}\nboth = one | {c}\nlist(both)", 3),
    "by operators in turn": ("one = {a, b}\nboth = one | {c}\nleft = both - {a}\nlist(left)", 4),
    "of an argument": ("def f(x: set[Thing]):\n    return x ^ {c}\nlist(f({a, b}))", 3),
    "of keys": ("one, two = {a: 1, b: 2}, {b: 1, c: 2}\nboth = one.keys() | two.keys()\nlist(both)", 3),
    "by a method": ("one = {a, b}\nboth = one.union([c])\nlist(both)", 3),
    "by copying": ("one = {a, b}\nboth = one.copy()\nlist(both)", 3),
    "of another": ("one = {a, b}\nboth = set(one)\nlist(both)", 3),
}


def _made(rows: Rows) -> list[str | None]:
    return [detail["made"] for detail in rows.details("iteration")]


@pytest.mark.parametrize("name", PROGRAMS)
def test_where_a_set_is_made(rows: Rows, name: str) -> None:
    run(HEAD + PROGRAMS[name], Thing=Thing)
    assert _made(rows)[-1] == f"{FILE}:2"


@pytest.mark.parametrize("name", DERIVED)
def test_where_a_set_is_derived(rows: Rows, name: str) -> None:
    source, line = DERIVED[name]
    run(HEAD + source, Thing=Thing)
    assert _made(rows)[-1] == f"{FILE}:{line}"


def test_a_set_that_the_program_did_not_make(rows: Rows) -> None:
    run("list(found)", found={Thing(), Thing()})
    assert _made(rows) == [None]


def test_none_is_kept_alive_and_another_at_its_address_is_another(rows: Rows) -> None:
    space = run("found = {a, b}", a=Thing(), b=Thing())
    gone = weakref.ref(space["found"])
    key = next(iter(made_sets._made))
    del space["found"]
    gc.collect()
    assert gone() is None
    assert key in made_sets._made
    other = {1, 2}
    made_sets._made[made_sets.address(other)] = made_sets._made[key]
    assert made_sets.place(other) is None


def test_of_a_place_only_the_first_are_remembered(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_sets, "AT_ONE_PLACE", 10)
    run("found = [{a, b} for _ in range(20)]\nfor x in found: list(x)", a=Thing(), b=Thing())
    assert _made(rows) == [f"{FILE}:1"] * 10 + [None] * 10


def test_those_that_are_gone_make_room(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made_sets, "MOST", 8)
    kept = [made_sets.made({n}, "a.py:1") for n in range(3)]
    for n in range(100):
        made_sets.made({n, Thing()}, "a.py:2")
        assert len(made_sets._made) <= 8
    assert [made_sets.place(each) for each in kept] == ["a.py:1"] * 3


def test_what_is_no_set_passes() -> None:
    assert made_sets.made(5 | 2, "a.py:1") == 7
    assert made_sets._made == {}
    assert made_sets.place({1}) is None
