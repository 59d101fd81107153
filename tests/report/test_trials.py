"""What cure, stress and resume found, as tables of a report."""

from __future__ import annotations

from typing import Any

from samebits.model.sites import Site
from samebits.model.twins import Twins
from samebits.report.trials import tables

NEEDED = {
    "name": "unseeded-numpy-random",
    "what": "np.random.seed(0)",
    "place": "train.py:3",
    "edits": [],
    "cause": {"why": "it draws"},
    "shown": True,
    "cost": {"change": 0.01, "low": -0.02, "high": 0.04, "told": False},
}


def texts(table: dict[str, Any]) -> list[list[str]]:
    return [[cell if isinstance(cell, str) else cell["text"] for cell in row] for row in table["rows"]]


def test_a_cure() -> None:
    (table,) = tables(
        {
            "format": "samebits.cure",
            "needed": [NEEDED, NEEDED | {"shown": False, "cost": None, "cause": None, "place": None}],
            "proof": {"weights": ["0a", "0a"]},
            "runs": 6,
            "patch": "--- a\n+++ b\n",
            "command": ["samebits", "run", "--only", "numpy", "train.py"],
        }
    )
    first, second = texts(table)
    assert first == [
        "needed",
        "unseeded-numpy-random",
        "train.py:3",
        "np.random.seed(0)",
        "inconclusive (-2.0% to +4.0%)",
        "it draws",
    ]
    assert second == ["made", "unseeded-numpy-random", "", "np.random.seed(0)", "", ""]
    assert table["sentence"].endswith("ends with the weights 0a, 0a.")
    assert table["code"] == "--- a\n+++ b\n"
    assert table["notes"] == ["and run it so: samebits run --only numpy train.py"]
    assert all(len(row) == len(table["head"]) for row in table["rows"])


TWINS = Twins("epochs", "python", ("main",), Site("a.py", 3), 4, seeded=Site("a.py", 2))


def test_a_matrix_and_its_twins() -> None:
    row = {
        "word": "finding",
        "name": "listing-order",
        "what": "folders listed backwards",
        "should": "must not",
        "reach": {"weights": True},
        "at": "step 0, mm, train.py:9",
        "sentence": "sort it",
    }
    matrix, twins = tables(
        {
            "format": "samebits.stress",
            "headline": "1 change of 2",
            "rows": [row, row | {"word": "ok", "reach": None, "at": "", "sentence": ""}],
            "twins": [TWINS.as_json()],
        }
    )
    assert [cells[4] for cells in texts(matrix)] == ["yes", ""]
    assert matrix["rows"][0][0] == {"text": "finding", "tone": "parts"}
    assert texts(twins) == [
        ["epochs", "python", "main", "a.py:3", "a.py:2", "4", TWINS.sentence()],
    ]
    assert len(twins["head"]) == len(twins["rows"][0])
    assert all(len(row) == len(matrix["head"]) for row in matrix["rows"])


def test_what_a_checkpoint_lacks() -> None:
    missing = {
        "name": "scheduler",
        "how": "not saved",
        "saved_at": "train.py:9",
        "loaded_at": None,
        "evidence": "another",
        "fix": "save it",
    }
    trial = {
        "word": "loses",
        "killed_after": 7,
        "resumed_at": 4,
        "parts_at": None,
        "missing": [missing],
        "reason": None,
    }
    document = {
        "format": "samebits.resume",
        "steps": 12,
        "reason": None,
        "trials": [trial],
        "missing": [missing],
        "notes": [],
    }
    trials, lost = tables(document)
    assert texts(trials) == [["loses", "7", "4", "", "scheduler"]]
    assert texts(lost) == [["scheduler", "not saved", "train.py:9", "another", "save it"]]
    assert len(tables(document | {"missing": []})) == 1


def test_another_document_has_none() -> None:
    assert tables({"format": "samebits.verdict"}) == []
