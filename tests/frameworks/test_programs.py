"""The programs of `make frameworks` have a truth that can be scored, and the score reads it right."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks.frameworks import programs, run

from samebits.causes import CATALOGUE

FRAMEWORKS = programs.load()


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=lambda framework: framework.name)
def test_a_framework_has_both_programs_and_known_causes(framework: programs.Framework) -> None:
    assert CATALOGUE.keys() >= set(framework.causes)
    assert framework.fix
    for kind in programs.KINDS:
        script = next(word for word in framework.words(kind) if kind in word)
        text = (framework.folder / script).read_text()
        assert "HASH" in text
        assert ("# planted" in text or "# also" in text) == (kind == "faulty")


def test_a_place_of_a_notebook_is_its_cell() -> None:
    notebook = next(framework for framework in FRAMEWORKS if framework.name == "papermill")
    assert notebook.places() == {("cell 3", 5)}
    assert programs.place("cell 3", 5) == ("cell 3", 5)
    assert programs.place("faulty.ipynb, cell 3", 5) == ("cell 3", 5)
    assert programs.place("/somewhere/ipykernel_12/3418.py", 5) == ("3418.py", 5)
    assert programs.place("conf/faulty.yaml", 1) == ("faulty.yaml", 1)
    assert programs.place(None, 5) is None


def test_processor_time_is_that_of_every_process(tmp_path: Path) -> None:
    inner = "import time\nwhile time.process_time() < 0.5: pass\nprint('HASH ' + '0' * 16)"
    outer = (
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {inner!r}])\nprint('HASH', 'a' * 16)"
    )
    ended = run.call([sys.executable, "-c", outer], tmp_path, 60)
    assert (ended.code, ended.hash) == (0, "a" * 16)
    assert ended.cpu >= 0.5


def test_a_program_that_does_not_end_is_stopped_and_said(tmp_path: Path) -> None:
    ended = run.call([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, 0.2)
    assert ended.code != 0
    assert ended.note == "no end after 0 s"


def _said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **changed: Any) -> run.Score:
    """The score of a framework whose programs say what `changed` says, and everything else right."""
    framework = next(framework for framework in FRAMEWORKS if framework.name == "pandas")
    cause = {"name": framework.causes[0], "file": "faulty.py", "line": 26, "fix": "df.sample(random_state=0)"}
    verdicts = {"clean": {"verdict": "same"}, "faulty": {"verdict": "diverged", "causes": [cause | changed]}}
    monkeypatch.setattr(run.Bench, "verify", lambda bench, kind: (verdicts[kind], 3.0))
    monkeypatch.setattr(run.Bench, "plain", lambda bench, kind, folder: run.Ended(0, "", 2.0))
    monkeypatch.setattr(run.Bench, "controlled", lambda bench, kind: True)
    return run.score(framework, tmp_path, 1.0)


def test_a_framework_is_wholly_right_only_if_every_part_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    right = _said(monkeypatch, tmp_path / "right")
    assert right.wholly_right
    assert right.ratio("clean") == 1.5
    wrong: tuple[dict[str, Any], ...] = ({"name": "wall-clock"}, {"line": 27}, {"fix": "np.random.seed(0)"})
    for number, changed in enumerate(wrong):
        assert not _said(monkeypatch, tmp_path / str(number), **changed).wholly_right


def test_an_edit_counts_as_fix(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    edit = {
        "file": "faulty.py",
        "line": 26,
        "replacement": "    train = frame.sample(frac=0.8, random_state=0)",
    }
    assert _said(monkeypatch, tmp_path, fix="", edits=[edit]).fix_right
