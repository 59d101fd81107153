"""`samebits rule`: the list, a page, and what is no rule."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from samebits.causes import CATALOGUE

from .conftest import Answer
from .test_completion import answers

Run = Callable[..., Answer]
pytestmark = pytest.mark.usefixtures("folder")


def test_all(samebits: Run) -> None:
    answer = samebits("rule", "--json", "-")
    document = json.loads(answer.out)
    assert answer.code == 0
    assert [one["name"] for one in document["rules"]] == list(CATALOGUE)
    for name in CATALOGUE:
        assert f"{name} " in answer.err
    assert samebits("rule").out == answer.err


def test_one(samebits: Run) -> None:
    answer = samebits("rule", "hash-order", "--json", "-")
    document = json.loads(answer.out)
    assert (answer.code, document["name"], document["in_source"], document["in_runs"]) == (
        0,
        "hash-order",
        True,
        True,
    )
    heads = [
        "What it does",
        "Why it breaks runs",
        "Example",
        "Use instead",
        "In short",
        "Fix safety",
        "References",
    ]
    lines = answer.err.splitlines()
    assert [line for line in lines if line in heads] == heads
    assert "vocabulary = {word: i for i, word in enumerate(sorted(words))}" in answer.err
    assert document["fix_safety"].split()[0] in answer.err


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_one_has_a_page(samebits: Run, name: str) -> None:
    assert samebits("rule", name).code == 0


def test_another(samebits: Run) -> None:
    answer = samebits("rule", "hash-ordr")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == "samebits: there is no rule 'hash-ordr'; did you mean hash-order?\n"
    assert "`samebits rule` lists them" in samebits("rule", "zzz").err


def test_names_are_completed() -> None:
    assert answers("rule", "hash-") == ["hash-order"]
