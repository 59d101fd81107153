"""What holds for every cause: complete texts, snippets that compile, pages up to date, no bold guesses."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tools.cause_pages import main, page, pages

from samebits.causes import CATALOGUE
from samebits.model.cause import Evidence
from samebits.model.divergence import Divergence
from samebits.model.events import Event
from samebits.model.sites import Site

_NAMES = [
    "address-order",
    "autotuning",
    "completion-order",
    "data-difference",
    "directory-order",
    "entropy-seed",
    "environment-difference",
    "hash-order",
    "left-behind",
    "lost-rng-state",
    "nondeterministic-kernel",
    "rng-drift",
    "uninitialized-memory",
    "unseeded-numpy-random",
    "unseeded-python-random",
    "unseeded-torch-generator",
    "wall-clock",
]


def test_the_names_are_api() -> None:
    """None of these may go or be called something else; a new cause is a file, and needs no line here."""
    assert set(CATALOGUE) >= set(_NAMES)
    assert list(CATALOGUE) == sorted(CATALOGUE)
    assert all(CATALOGUE[name].mend for name in _NAMES), "each makes its fix for the place"


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_cause_is_complete(name: str) -> None:
    cause = CATALOGUE[name]
    assert cause.title
    assert cause.what.endswith(".")
    assert cause.why.endswith(".")
    assert cause.fix
    assert cause.invalid
    assert cause.valid
    assert all(link.startswith("https://") for link in cause.sources)
    for snippet in (*cause.invalid, *cause.valid):
        ast.parse(snippet)
    headings = [line for line in page(cause).splitlines() if line.startswith("## ")]
    assert headings == [
        "## What it does",
        "## Why it breaks runs",
        "## Example",
        "## Use instead",
        "## References",
    ]
    assert cause.match is not None or cause.rule is not None


@pytest.mark.parametrize("name", [name for name, cause in CATALOGUE.items() if cause.match is not None])
@pytest.mark.parametrize("kind", ["op", "batch", "loss", "parameter", "read", "region"])
@pytest.mark.parametrize("change", ["value", "missing", "extra", "replaced", "end"])
def test_nothing_bold_is_said_without_evidence(name: str, kind: str, change: str) -> None:
    event = Event(5, kind, "aten::mul", "forward", 1, 0, 1, site=Site("train.py", 3))
    a = None if change == "extra" else event
    b = None if change == "missing" else event
    evidence = Evidence(Divergence(change, 0, "main", 1, a, b))  # type: ignore[arg-type]
    match = CATALOGUE[name].match
    assert match is not None
    finding = match(evidence)
    assert finding is None or finding.confidence < 0.5


def test_pages_are_up_to_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "docs/causes"]) == 0, capsys.readouterr().err
    assert main([str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(pages())
    (tmp_path / "index.md").write_text("old")
    assert main(["--check", str(tmp_path)]) == 1
    assert main([]) == 2
