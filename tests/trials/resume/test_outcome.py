"""The verdict as a document, and how trials weigh."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from samebits.model.sites import Site
from samebits.trials.resume.outcome import KINDS, Missing, Resumed, Trial, worst

SCHEMA = json.loads(Path("docs/reference/resume.schema.json").read_text("utf-8"))
LOST = Missing(
    "scheduler", "sched", "not saved", "it is another", "...", Site("train.py", 9, "main"), None, None
)


def test_the_document_is_as_the_schema_says() -> None:
    trial = Trial("loses", "kill", 9, 8, 12, 10, "the loss", (LOST, LOST), checkpoint="last.pt", runs=("a",))
    resumed = Resumed("loses", 20, 1.5, (trial, trial), asked=2, runs=("a",))
    document = resumed.as_json()
    jsonschema.validate(document, SCHEMA)
    assert document["missing"][0]["saved_at"] == str(LOST.saved_at)
    assert len(document["missing"]) == 1
    assert resumed.exit_status == 1
    jsonschema.validate(Resumed("failed", 0, 0.1, (), "it failed", asked=1).as_json(), SCHEMA)


def test_the_schema_knows_every_kind() -> None:
    assert set(SCHEMA["$defs"]["missing"]["properties"]["kind"]["enum"]) == set(KINDS)


@pytest.mark.parametrize(
    ("words", "word", "code"),
    [
        (["complete", "complete"], "complete", 0),
        (["complete", "incomplete"], "incomplete", 2),
        (["failed", "incomplete"], "failed", 2),
        (["complete", "loses", "failed"], "loses", 1),
    ],
)
def test_how_trials_weigh(words: list[str], word: str, code: int) -> None:
    trials = tuple(Trial(one, "term", 3) for one in words)  # type: ignore[arg-type]
    assert worst(trials) == word
    assert Resumed(worst(trials), 5, 1.0, trials).exit_status == code
