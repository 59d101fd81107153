"""The corpora that score the product: each is whole, and the folder given says which one is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.faults import corpus

ROOT = Path(__file__).resolve().parent.parent
FAULTS = ROOT / "benchmarks/faults"
REPORTS = ROOT / "benchmarks/reports"


@pytest.mark.parametrize("folder", [FAULTS, REPORTS], ids=["faults", "reports"])
def test_a_cause_is_one_that_the_documentation_names(folder: Path) -> None:
    entries = corpus.load(folder)  # fails by itself where a script has no table, or not one planted line
    assert entries
    named = {page.stem for page in (ROOT / "docs/causes").glob("*.md")}
    assert {entry.cause for entry in entries if entry.cause} <= named


def test_every_script_after_a_report_gives_its_address_once_and_a_row() -> None:
    entries = corpus.load(REPORTS)
    addresses = [entry.report for entry in entries]
    assert None not in addresses
    assert len(set(addresses)) == len(addresses) >= 30
    page = (REPORTS / "README.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    for entry in entries:
        row = next(line for line in rows if line.startswith(f"| {entry.name} |"))
        assert f"({entry.report})" in row
        assert row.endswith(f"| {entry.cause or '-'} |")


def test_a_script_whose_package_is_missing_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("here", "elsewhere"):
        (tmp_path / f"scripts/{name}.py").write_text("print()\n")
    (tmp_path / "truth.toml").write_text(
        '[here]\nfile = "here.py"\nverdict = "same"\nneeds = ["json"]\n'
        '[elsewhere]\nfile = "elsewhere.py"\nverdict = "same"\nneeds = ["json", "no_such_package"]\n'
    )
    assert [entry.name for entry in corpus.load_runnable(tmp_path, "*")] == ["here"]
    assert capsys.readouterr().out == "elsewhere: left out, needs no_such_package\n"
    assert [entry.name for entry in corpus.load(tmp_path)] == ["here", "elsewhere"]
