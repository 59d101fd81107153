"""Commands of a GitHub workflow: their form, and that no text breaks out of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from samebits.audit.annotations import workflow_commands

from .results import result

pytestmark = pytest.mark.usefixtures("planted")


def test_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    Path("a,b:50%.py").write_text("import os\nos.listdir(a)\nnumber(\n1)\n")
    Path("c.py").write_text("x = (\n")
    Path("d.py").write_text("1  # samebits: ignore\n")
    assert list(workflow_commands(result())) == [
        "::error file=a%2Cb%3A50%25.py,line=2,endLine=2,col=1,endColumn=14,title=listing"
        "::os.listdir() is called.%0Anot os.listdir()",
        "::warning file=a%2Cb%3A50%25.py,line=3,endLine=4,col=1,title=number"
        "::number() is called.%0Anot number()",
        "::error file=c.py,line=1,title=not read::not Python: '(' was never closed",
        "::notice file=d.py,line=1,title=unused ignore::samebits: ignore leaves out nothing",
    ]


def test_files_are_named_from_the_workspace(planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("a.py").write_text("number()\n")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(planted.parent))
    (line,) = workflow_commands(result())
    assert line.startswith("::warning file=project/a.py,")


def test_nothing_that_a_terminal_acts_upon() -> None:
    Path("a\x1b[31m.py").write_text("number()\n")
    (line,) = workflow_commands(result())
    assert line.startswith("::warning file=a\\x1b[31m.py,")
