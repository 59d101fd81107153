"""What a run says of findings: real runs, of programs that do and do not what is found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from samebits import RecordError
from samebits.audit import audit_paths
from samebits.audit.marks import SHOWN, marks
from samebits.audit.texts import Texts
from samebits.causes import CATALOGUE

PROGRAM = """\
import sys
import torch
import helper

names = {"a", "b"}
index = {name: i for i, name in enumerate(names)}
if len(sys.argv) > 5:
    other = {name: i for i, name in enumerate({"c", "d"})}
torch.zeros(1).add_(1)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the program, in the folder that is returned; `apart.py` is not imported."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "train.py").write_text(PROGRAM)
    (folder / "helper.py").write_text("rows = {'x', 'y'}\nindex = {row: i for i, row in enumerate(rows)}\n")
    (folder / "apart.py").write_text("rows = {'x', 'y'}\nindex = {row: i for i, row in enumerate(rows)}\n")
    words = [sys.executable, "-m", "samebits", "record", "train.py"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    return folder


def marked(folder: Path) -> list[tuple[str, int, str | None]]:
    findings = audit_paths(["."], select=["hash-order"], cache=False).findings
    (kept,) = (folder / ".samebits").iterdir()
    found = marks(findings, kept, Texts())
    return [
        (one.site.file, one.site.line, mark)
        for one, mark in zip(findings, found, strict=True)
        if one.site is not None
    ]


@pytest.mark.slow
def test_what_happened_and_what_was_not_seen(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run)
    found = [
        ("apart.py", 2, "not exercised"),
        ("helper.py", 2, "confirmed"),
        ("train.py", 6, "confirmed"),
        ("train.py", 8, None),
    ]
    assert marked(run) == found
    text = (run / "train.py").read_text()
    try:
        (run / "train.py").write_text("# a comment\n\n" + text)  # lines may have moved since
        assert marked(run)[2:] == [("train.py", 8, "confirmed"), ("train.py", 10, None)]
        (run / "train.py").write_text(text.replace("index =", "indices ="))
        assert marked(run)[2:] == [("train.py", 6, None), ("train.py", 8, None)]
    finally:
        (run / "train.py").write_text(text)


def test_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="there is no run"):
        marks([], tmp_path / "none", Texts())


def test_the_rules_that_a_run_can_confirm_exist() -> None:
    assert set(CATALOGUE) >= SHOWN.keys() - {"unseeded-library"}
