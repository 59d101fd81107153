"""Completion in a shell: its script, and what it answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Answer
from .test_runs import keep

pytestmark = pytest.mark.usefixtures("folder")

Run = Callable[..., Answer]


def answers(*words: str) -> list[str]:
    """What a shell would offer for the last word."""
    variables = {
        **os.environ,
        "_SAMEBITS_COMPLETE": "zsh_complete",
        "COMP_WORDS": " ".join(("samebits", *words)),
        "COMP_CWORD": str(len(words)),
    }
    program = "from samebits.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.splitlines()[1::3]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script(samebits: Run, shell: str) -> None:
    answer = samebits("completion", shell)
    assert answer.code == 0
    assert "_SAMEBITS_COMPLETE" in answer.out
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=answer.out, text=True, check=True)


def test_another_shell(samebits: Run) -> None:
    answer = samebits("completion", "tcsh")
    assert (answer.code, answer.err.count("\n")) == (2, 1)


def test_commands_options_and_scripts() -> None:
    Path("tests").mkdir()
    Path("tests/deep.py").touch()
    Path("notes.txt").touch()
    assert answers("ver") == ["verify"]
    assert {"--seed", "--steps"} <= set(answers("verify", "--s"))
    assert answers("verify", "t") == ["tests/", "train.py"]
    assert answers("verify", "--steps", "3", "tests/") == ["tests/deep.py"]
    assert "train.py" in answers("run", "--seed", "3", "tr")
    assert answers("verify", "--level", "o") == ["op"]


def test_runs() -> None:
    keep(Path(".samebits"), "a1")
    keep(Path(".samebits"), "a2", argv=["\x1b]0;x\x07"], status="\n")
    keep(Path("kept"), "b1")
    assert sorted(answers("show", "a")) == ["a1", "a2"]
    assert sorted(answers("rm", "a1", "a")) == ["a1", "a2"]
    assert answers("compare", "--out", "kept", "b") == ["b1"]
