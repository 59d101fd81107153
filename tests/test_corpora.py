"""The corpora that score the product: each is whole, and the folder given says which one is read."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks.audit import labels
from benchmarks.faults import corpus
from benchmarks.resume import corpus as resumed
from benchmarks.stress import changes
from benchmarks.stress import corpus as stress

ROOT = Path(__file__).resolve().parent.parent
FAULTS = ROOT / "benchmarks/faults"
REPORTS = ROOT / "benchmarks/reports"
RESUME = ROOT / "benchmarks/resume"
STRESS = ROOT / "benchmarks/stress"


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


def test_every_program_of_stress_is_whole() -> None:
    entries = stress.load()  # fails by itself where a table does not fit its program
    assert sum(entry.is_clean for entry in entries) >= 10
    assert {change for entry in entries for change in entry.planted} == set(stress.CHANGES)
    page = (STRESS / "README.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    for entry in entries:
        row = next(line for line in rows if line.startswith(f"| {entry.name} |"))
        besides = [change for change in entry.reaches if change not in entry.planted]
        reached = ", ".join(entry.planted) + (f"; {', '.join(besides)}" if besides else "")
        assert row.endswith(f"| {reached or '-'} |")


@pytest.mark.parametrize("entry", stress.load(), ids=lambda entry: entry.name)
def test_every_edit_of_stress_changes_a_program_that_still_compiles(entry: stress.Entry) -> None:
    edits = [variant.edit for variant in changes.variants(entry) if variant.edit]
    for edit in [*edits, *([changes.replaced(entry.mend)] if entry.mend else [])]:
        texts = {path: path.read_text("utf-8") for path in entry.sources()}
        edited = {path: edit(text) for path, text in texts.items()}
        assert sum(edited[path].rstrip() != texts[path].rstrip() for path in texts) == 1
        for path, text in edited.items():
            compile(text, str(path), "exec", dont_inherit=True)


@pytest.mark.parametrize(
    ("edit", "text", "edited"),
    [
        (changes.halved("EVERY"), "EVERY = 7\nx = EVERY\n", "EVERY = 3\nx = EVERY\n"),
        (changes.halved("EVERY"), "EVERY = 1\n", "EVERY = 1\n"),
        (
            changes.decorated("test", "twice"),
            "class A:\n    @no_grad()\n    def test(self):\n        pass\n",
            "class A:\n    @__import__('by_hand').twice\n    @no_grad()\n    def test(self):\n        pass\n",
        ),
        (
            changes.with_unused_layer,
            "if x:\n    model = Net(\n        3\n    )\n",
            "if x:\n    __import__('torch').nn.Linear(7, 5)\n    model = Net(\n        3\n    )\n",
        ),
        (
            changes.with_split_batches,
            "if x:\n    model = Net(\n        3\n    )\n",
            "if x:\n    model = Net(\n        3\n    )\n    __import__('by_hand').split(model)\n",
        ),
        (changes.replaced((("a", "b"), ("c", "d"))), "a c a\n", "b d b\n"),
    ],
)
def test_the_edits_of_stress(edit: Callable[[str], str], text: str, edited: str) -> None:
    assert edit(text) == edited


TABLE = '[one]\nfile = "one.py"\nreaches = ["hash-seed"]\nplanted = ["hash-seed"]\n'


@pytest.mark.parametrize(
    ("table", "source", "message"),
    [
        (TABLE, "x = 1\n", "one line marked `# planted`"),
        (TABLE, "x = 1  # planted # enters locale\n", "names a change that reaches nothing"),
        (TABLE, "x = 1  # planted # twin\n", "lines marked `# twin`"),
        (TABLE + 'logging_every = "EVERY"\n', "x = 1  # planted\n", "no such constant"),
        (TABLE + 'evaluation = "test"\n', "x = 1  # planted\n", "the evaluation is a function"),
        (TABLE + 'mend = [["y", "z"]]\n', "x = 1  # planted\n", "mend names a text that is not there"),
        ('[one]\nfile = "one.py"\n', "x = 1  # also\n", "marks in a clean program"),
        ('[one]\nfile = "one.py"\nreaches = ["weather"]\n', "x = 1\n", "no such change: weather"),
        ('[one]\nfile = "two.py"\n', "x = 1\n", "no file scripts/two.py"),
        ('[one]\nfile = "one.py"\ncause = "x"\n', "x = 1\n", "unexpected keyword argument 'cause'"),
    ],
)
def test_a_table_of_stress_that_does_not_fit(tmp_path: Path, table: str, source: str, message: str) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/one.py").write_text(source)
    (tmp_path / "truth.toml").write_text(table)
    with pytest.raises(SystemExit, match=re.escape(message)):
        stress.load(tmp_path)


def test_which_lines_are_right_for_a_change(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    lines = ["a = 1  # planted # twin", "b = 2  # also", "c = 3  # enters locale threads", "d = 4  # twin"]
    (tmp_path / "scripts/one.py").write_text("\n".join(lines) + "\n")
    (tmp_path / "truth.toml").write_text(
        '[one]\nfile = "one.py"\ntwins = true\nreaches = ["hash-seed", "locale", "threads"]\n'
        'planted = ["hash-seed"]\n'
    )
    (entry,) = stress.load(tmp_path)
    assert entry.places("hash-seed") == {("one.py", 1), ("one.py", 2)}
    assert entry.places("locale") == entry.places("threads") == {("one.py", 3)}
    assert entry.places("logging") == set()
    assert entry.marked("twin") == [("one.py", 1), ("one.py", 4)]
    assert entry.may_round == ("cpu-capability", "micro-batches")


PATCHED = """
import datetime, glob, os, pathlib, sys, time

def listed():
    with os.scandir(".") as entries:
        scanned = [entry.name for entry in entries]
    ways = os.listdir("."), scanned, glob.glob("*"), [path.name for path in pathlib.Path(".").iterdir()]
    return [*ways, next(os.walk("."))[2]]

import patches
plain = listed()
patches.install("listing-order")
assert listed() == [names[::-1] for names in plain]
before = time.time()
patches.install("start-time")
assert time.time() - before >= patches.LATER
assert datetime.datetime.now(datetime.UTC).timestamp() - before >= patches.LATER
assert (datetime.date.today() - datetime.date.fromtimestamp(before)).days >= 40
assert time.strftime("%j") == time.strftime("%j", time.localtime(before + patches.LATER))
"""


def test_the_patches_of_stress_that_need_no_torch(tmp_path: Path) -> None:
    for name in ("b", "a", "c", "e", "d"):
        (tmp_path / name).touch()
    done = subprocess.run(
        [sys.executable, "-S", "-c", PATCHED],
        cwd=tmp_path,
        env={"PYTHONPATH": str(STRESS / "outside")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("half", ["dev", "held"])
def test_the_labels_of_the_audit_corpus_are_in_order(half: str) -> None:
    """Of the half that is held back nothing is read but whether its labels lie where they say."""
    programs = labels.load(half)
    assert len(programs) > 100
    assert sum(bool(program.labels) for program in programs) > 50
