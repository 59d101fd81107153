"""Rows in another order: told from other values, and the line is where a library lost their order."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.causes.test_matchers import fact, value

from samebits.causes._origins import origin
from samebits.causes.library_order import CAUSE, _lost_by
from samebits.compare.explain import explain
from samebits.model.cause import Evidence
from samebits.model.divergence import Difference, Divergence
from samebits.model.events import EXTERNAL, RANDOM
from samebits.model.facts import Fact
from samebits.model.sites import Site

HEAD = "import polars as pl\nimport torch\n"
GROUPED = (
    HEAD + "means = frame.group_by('user').agg(pl.col('price'))\n\nx = torch.from_numpy(means.to_numpy())\n"
)


def _made(*, reordered: bool = True, line: int = 5, flags: int = EXTERNAL) -> Divergence:
    difference = Difference(40, 40, 0.3, 9, reordered)
    return replace(value("aten::lift_fresh", line=line, flags=flags, inputs=None), difference=difference)


def _evidence(
    source: str = GROUPED, a: tuple[Fact, ...] = (), b: tuple[Fact, ...] = (), **more: int
) -> Evidence:
    return Evidence(_made(**more), a, b, sources={"train.py": source})


def _two(
    kind: str, key: str, x: object, y: object, **more: object
) -> tuple[tuple[Fact, ...], tuple[Fact, ...]]:
    return (fact(kind, 3, **more, **{key: x}),), (fact(kind, 3, **more, **{key: y}),)


def test_the_line_is_where_the_order_was_lost() -> None:
    (found,) = explain(_evidence())
    assert (found.cause, found.confidence, str(found.site)) == ("library-order", 0.9, "train.py:3")
    assert "the tensor made at train.py:5 holds the same rows" in found.why
    assert "group_by() at train.py:3 gave them" in found.why
    assert "maintain_order=True" in found.fix


def test_without_a_known_call_it_is_the_line_where_they_came_in() -> None:
    (found,) = explain(_evidence(HEAD + "\n\nx = torch.from_numpy(load())\n"))
    assert (found.cause, found.confidence, str(found.site)) == ("library-order", 0.75, "train.py:5")


@pytest.mark.parametrize(
    "evidence",
    [
        _evidence(reordered=False),
        _evidence(flags=0),
        _evidence(flags=EXTERNAL | RANDOM),
        Evidence(replace(_made(), difference=None)),
    ],
)
def test_other_values_and_what_torch_made_are_no_order(evidence: Evidence) -> None:
    assert CAUSE.match(evidence) is None


OTHERS = {
    "unseeded-python-random": _two("draw", "value", 1, 2, generator="python", call="shuffle", seeded=False),
    "hash-order": _two("iteration", "order", 1, 2, what="for", by="hash", content=9, n=5),
    "directory-order": _two("listing", "order", 1, 2, call="os.listdir", path="data", content=3, n=9),
    "completion-order": _two("completion", "order", 1, 2, call="as_completed", at=4),
    "address-order": _two("sort", "order", 1, 2, call="sort", by="address"),
}


@pytest.mark.parametrize("cause", OTHERS)
def test_what_was_seen_to_shuffle_wins(cause: str) -> None:
    found = explain(_evidence(GROUPED, *OTHERS[cause]))
    assert [(each.cause, each.confidence > 0.9) for each in found] == [
        (cause, True)
    ]  # a guess beside it is none


def test_draws_that_agree_or_were_seeded_explain_nothing() -> None:
    agree = _two("draw", "value", 1, 1, generator="python", call="shuffle", seeded=False)
    assert explain(_evidence(GROUPED, *agree))[0].cause == "library-order"


@pytest.mark.parametrize(
    ("rows", "confidence"),
    [
        (_two("completion", "call", "as_completed", "as_completed"), 0.85),
        (_two("thread", "call", "Thread", "Thread"), 0.7),
    ],
)
def test_rows_that_threads_put_together(
    rows: tuple[tuple[Fact, ...], tuple[Fact, ...]], confidence: float
) -> None:
    found = explain(_evidence(HEAD + "\n\nx = torch.tensor(results)\n", *rows))
    assert (found[0].cause, round(found[0].confidence, 2)) == (
        "completion-order",
        pytest.approx(confidence, abs=0.03),
    )
    assert found[1].confidence <= 0.4


FOLLOWED = {
    "on the line itself": ("x = torch.tensor(frame.unique()['a'])\n", 1),
    "through names": ("a = frame.unique()\nb = a['x']\nc = b.to_numpy()\nx = torch.from_numpy(c)\n", 1),
    "of a chain, where it stands": (
        "a = (frame\n    .lazy()\n    .group_by('k')\n    .agg())\nx = torch.tensor(a)\n",
        3,
    ),
    "behind what computes it": (
        "a = (frame.lazy()\n    .unique()\n    .collect())\nx = torch.tensor(a)\n",
        2,
    ),
    "of what computes a text": (
        "a = db.sql('SELECT DISTINCT k FROM t')\nx = torch.tensor(a.fetchall())\n",
        1,
    ),
    "of a function": ("def load():\n    return frame.unique()\nx = torch.tensor(load())\n", 2),
    "of an argument": ("def make(rows):\n    return torch.tensor(rows)\nmake(frame.unique())\n", 3),
    "of a named argument": ("def make(rows):\n    return torch.tensor(rows)\nmake(rows=frame.unique())\n", 3),
    "of a list that a loop fills": (
        "out = []\nfor name, g in frame.group_by('k'):\n    out.append(g.sum())\nx = torch.tensor(out)\n",
        2,
    ),
    "of an attribute": (
        "class A:\n    def f(self):\n        self.t = a.join(b)\nx = torch.tensor(A().t)\n",
        3,
    ),
    "of unpacked values": ("a, b = left.merge(right)\nx = torch.tensor(b)\n", 1),
    "sorted afterwards": ("a = frame.unique().sort('k')\nx = torch.tensor(a)\n", None),
    "sorted in between": ("a = frame.unique()\nb = sorted(a)\nx = torch.tensor(b)\n", None),
    "kept in order": ("a = frame.group_by('k', maintain_order=True).agg()\nx = torch.tensor(a)\n", None),
    "asked not to be kept": ("a = frame.group_by('k', maintain_order=False).agg()\nx = torch.tensor(a)\n", 1),
    "of a text and a path": (
        "a = ','.join(n)\nb = os.path.join(a, a)\nx = torch.tensor(read(b))\n",
        None,
    ),
    "of numpy, which sorts": ("a = np.unique(b)\nx = torch.tensor(a)\n", None),
    "of something else": ("a = frame.unique()\nb = 5\nx = torch.tensor(b)\n", None),
    "that goes round": ("a = f(b)\nb = f(a)\nx = torch.tensor(b)\n", None),
    "of no program": ("a = (\n", None),
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_value_is_followed_back(name: str) -> None:
    source, line = FOLLOWED[name]
    at = next((n for n, text in enumerate(source.splitlines(), 1) if "torch.tensor" in text), 4)
    lost = _lost_by(Evidence(_made(), sources={"train.py": source}), Site("train.py", at))
    assert (None if lost is None else lost.func.end_lineno) == line


def test_a_very_long_source_is_not_followed() -> None:
    assert origin("a = 1\n" * 60_000, 1, lambda call: True, lambda call: False) is None
    deep = "x = " + "f(" * 300 + ")" * 300
    assert origin(deep, 1, lambda call: False, lambda call: False) is None
