"""The matrix: its verdict and exit code, its document, its lines on the terminal."""

from __future__ import annotations

import io
import json
from pathlib import Path

import jsonschema
import pytest
from rich.console import Console

from samebits.model.sites import Site
from samebits.model.twins import Twins
from samebits.report.stress import print_matrix
from samebits.trials.stress.matrix import Matrix
from samebits.trials.stress.row import TrialRow

from .conftest import APART, matrix, row

SCHEMA = json.loads(Path("docs/reference/stress.schema.json").read_text("utf-8"))
FINDING = row(
    "evaluation",
    "finding",
    should="must not",
    reach=APART,
    sentence="an evaluation moves the generators.",
    did=("eval_interval 8 -> 4, train.py:5",),
    place={"step": 4, "op": "aten::random_", "file": "train.py", "line": 21},
    at="step 4, aten::random_, train.py:21",
    causes=({"cause": "rng-drift", "file": "train.py", "line": 21, "why": "it draws."},),
)

TWINS = Twins(
    "workers", "numpy", ("main/Process-1", "main/Process-2"), Site("data.py", 7, "crop"), 8, seeded=None
)


@pytest.mark.parametrize(
    ("rows", "reason", "verdict", "code"),
    [
        ((row(), row("seed", "may")), None, "ok", 0),
        ((row(), row("locale", "did not apply")), None, "ok", 0),
        ((row(), FINDING), None, "findings", 1),
        ((row(), FINDING, row("seed", "failed")), None, "findings", 1),
        ((row(), row("seed", "failed")), None, "incomplete", 2),
        ((row(), row("seed", "missing")), "1 of 2 trials interrupted", "incomplete", 2),
        ((), "the program does not repeat", "incomplete", 2),
    ],
)
def test_the_verdict_and_the_document(
    rows: tuple[TrialRow, ...], reason: str | None, verdict: str, code: int
) -> None:
    made = matrix(*rows, reason=reason)
    assert (made.verdict, made.exit_status) == (verdict, code)
    document = json.loads(json.dumps(made.as_json(), allow_nan=False))
    jsonschema.validate(document, SCHEMA)
    assert Matrix.from_json(document) == made
    assert made.headline in made._repr_html_()


def test_a_random_stream_that_repeats_is_a_finding() -> None:
    seeded = Twins("epochs", "python", ("main",), Site("a.py", 3), 2, seeded=Site("a.py", 2), epochs=True)
    made = matrix(row(), twins=(TWINS, seeded))
    assert (made.verdict, made.exit_status) == ("findings", 1)
    assert made.headline == "1 change, 20 steps each: all as they should be; 2 random streams repeated"
    document = json.loads(json.dumps(made.as_json()))
    jsonschema.validate(document, SCHEMA)
    assert Matrix.from_json(document) == made
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | {"verdict": "ok"}, SCHEMA)


def test_a_row_by_its_name() -> None:
    made = matrix(row(), FINDING)
    assert made.row("evaluation") is FINDING
    with pytest.raises(KeyError):
        made.row("locale")


def printed(made: Matrix, **more: str) -> str:
    stream = io.StringIO()
    print_matrix(made, Console(file=stream, width=100), **more)  # type: ignore[arg-type]
    return stream.getvalue()


def test_what_a_person_reads() -> None:
    text = printed(matrix(row(), FINDING, row("prefetch", "did not apply"), twins=(TWINS,)))
    lines = text.splitlines()
    assert lines[0] == (
        "FINDINGS  1 change of 3 not as it should be: evaluation; 1 random stream repeated, 1 did not apply"
    )
    assert "evaluation  must not      from step 4, 1e-07 -> 20%  FINDING" in lines
    assert "threads     rounding      no                         ok" in lines
    assert "  enters at step 4, aten::random_, train.py:21" in lines
    assert "  eval_interval 8 -> 4, train.py:5" in lines
    assert "  probably by rng-drift at train.py:21: it draws." in lines
    assert "prefetch did not apply: nothing was there." in lines
    assert "- 2 worker processes (main/Process-1, main/Process-2) began with one state of numpy" in text
    assert printed(matrix(row()), detail="quiet") == "OK  1 change, 20 steps each: all as they should be\n"
    assert "another number of CPU threads" in printed(matrix(row()), detail="verbose")


def test_what_is_recorded_is_no_markup() -> None:
    hostile = row("seed", "failed", sentence="[bold]x\x1b[31m")
    assert "[bold]x\\x1b[31m" in printed(matrix(hostile)).replace("[Bold]", "[bold]")
