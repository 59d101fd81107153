"""The corpora that score the product: each is whole, and the folder given says which one is read."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest
from benchmarks.faults import corpus
from benchmarks.resume import corpus as resumed

ROOT = Path(__file__).resolve().parent.parent
FAULTS = ROOT / "benchmarks/faults"
REPORTS = ROOT / "benchmarks/reports"
RESUME = ROOT / "benchmarks/resume"


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


def test_every_state_that_a_checkpoint_may_lack_has_scripts_and_its_row_names_them() -> None:
    entries = resumed.load()  # fails by itself where a table does not fit its source
    scripts = defaultdict(list)
    for entry in entries:
        scripts[entry.lost].append(entry.name)
    assert len(scripts.pop(None)) >= 10
    assert set(scripts) == set(resumed.LOST)
    rows = (RESUME / "README.md").read_text().splitlines()
    for state, names in scripts.items():
        row = next(row for row in rows if row.startswith(f"| `{state}` |"))
        assert sorted(row.split("|")[3].strip().split(", ")) == sorted(names)
    for entry in entries:
        row = next(row for row in rows if row.startswith(f"| {entry.name} |"))
        assert entry.lost is None or row.startswith(f"| {entry.name} | {entry.lost} | {entry.how} |")


def test_a_mended_script_is_a_program_and_another_one(tmp_path: Path) -> None:
    for entry in resumed.load():
        if entry.mend:
            folder = tmp_path / entry.name
            entry.copy_to(folder, mended=True)
            copies = {path.relative_to(folder): path.read_text() for path in folder.rglob("*.py")}
            for text in copies.values():
                ast.parse(text)
            sources = {path.relative_to(entry.source.parent): path.read_text() for path in entry.sources()}
            assert copies.keys() == sources.keys()
            assert copies != sources


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('lost = "rng"\nhow = "not saved"\nmend = [["1", "2"]]', "lost is one of"),
        ('lost = "python"\nmend = [["1", "2"]]', "how is one of"),
        ('how = "not saved"', "how is one of"),
        ('lost = "python"\nhow = "not saved"', "a lossy script has a mend"),
        ('lost = "python"\nhow = "not saved"\nmend = [["3", "2"]]', "'3' is 0 times in the source"),
        (
            'lost = "python"\nhow = "not saved"\nmend = [["1", "2"]]\nalso = ["all"]',
            "also has words of lost and how",
        ),
    ],
)
def test_a_table_that_does_not_fit_its_script_is_refused(
    table: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/one.py").write_text("save(1)  # saved\nload()  # loaded\n")
    (tmp_path / "truth.toml").write_text(f'[one]\nfile = "one.py"\ncheckpoint = "*.pt"\n{table}\n')
    monkeypatch.setattr(resumed, "HERE", tmp_path)
    monkeypatch.setattr(resumed, "SCRIPTS", tmp_path / "scripts")
    with pytest.raises(SystemExit, match=message):
        resumed.load()
