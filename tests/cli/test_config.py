"""`[tool.samebits]` in pyproject.toml: options that are used every time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from samebits.launch import Control

from .conftest import Answer, Below

Run = Callable[..., Answer]


@pytest.fixture
def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository; the working folder is inside it."""
    (folder / ".git").mkdir()
    (folder / "inner").mkdir()
    (folder / "inner" / "train.py").write_text("")
    monkeypatch.chdir(folder / "inner")
    return folder


def write(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text("[project]\nname = 'samebits-user'\n[tool.samebits]\n" + text)


WHOLE = """
out = "kept"
seed = 5
deterministic = true
steps = 9
timeout = 60
[tool.samebits.verify]
runs = 3
level = "op"
steps = 2
[tool.samebits.prune]
older = "7d"
"""


def test_options_of_every_command_and_of_one(samebits: Run, below: Below, project: Path) -> None:
    write(project, WHOLE)
    assert samebits("verify", "train.py").code == 0
    given = below.options
    assert (given["runs"], given["level"], given["steps"], given["timeout"]) == (3, "op", 2, 60.0)
    assert given["control"] == Control(5, True)
    assert given["out"] == project / "kept"  # beside the file, not below the working folder
    assert samebits("record", "train.py").code == 0
    assert (below.options["steps"], below.options["level"]) == (9, "op")


def test_the_command_line_wins(samebits: Run, below: Below, project: Path) -> None:
    write(project, WHOLE)
    words = "--seed 6 --no-deterministic --steps 4 --out mine --runs 2"
    assert samebits("verify", *words.split(), "train.py").code == 0
    assert below.options["control"] == Control(6, False)
    assert (below.options["steps"], below.options["runs"], below.options["out"]) == (4, 2, Path("mine"))
    assert samebits("--no-config", "verify", "train.py").code == 0
    assert below.options["control"] == Control()


def test_it_is_said_on_request(samebits: Run, below: Below, project: Path) -> None:
    write(project, "seed = 5\n")
    assert samebits("verify", "train.py").err == ""
    answer = samebits("verify", "-v", "train.py")
    assert answer.err == f"samebits verify: seed from {project / 'pyproject.toml'}\n"


def test_the_nearest_one_inside_the_repository(samebits: Run, below: Below, project: Path) -> None:
    write(project, "seed = 5\n")
    (project / "inner" / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    samebits("verify", "train.py")
    assert below.options["control"] == Control(5)
    write(project / "inner", "seed = 6\n")
    samebits("verify", "train.py")
    assert below.options["control"] == Control(6)
    (project / "inner" / "pyproject.toml").unlink()
    (project / ".git").rmdir()  # no repository: a file above is anybody's
    samebits("verify", "train.py")
    assert below.options["control"] == Control()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sed = 1", "[tool.samebits] sed: there is no such option; did you mean 'seed'?"),
        ("audit = 3", "[tool.samebits] audit: expected a table, [tool.samebits.audit], got 3"),
        ("force = true", "[tool.samebits] force: there is no such option"),
        ("[tool.samebits.verify]\nkeep = 1", "[tool.samebits.verify] keep: there is no such option"),
        ("[tool.samebits.prune]\nseed = 1", "[tool.samebits.prune] seed: there is no such option"),
        (
            "[tool.samebits.verfy]\nseed = 1",
            "[tool.samebits] verfy: there is no such option; did you mean 'verify'?",
        ),
        ("seed = '7'", "[tool.samebits] seed: expected a whole number, got '7'"),
        ("seed = true", "[tool.samebits] seed: expected a whole number, got True"),
        ("seed = 7.0", "[tool.samebits] seed: expected a whole number, got 7.0"),
        ("seed = -1", "[tool.samebits] seed: -1 is not a whole number of 0 .. 2**128 - 1"),
        ("steps = 0", "[tool.samebits] steps: 0 is not in the range x>=1"),
        ("timeout = nan", "[tool.samebits] timeout: nan is not a number of seconds above 0"),
        ("timeout = '9'", "[tool.samebits] timeout: expected a number, got '9'"),
        ("deterministic = 1", "[tool.samebits] deterministic: expected true or false, got 1"),
        ("out = 3", "[tool.samebits] out: expected a text, got 3"),
        ("out = 'inner/train.py'", "is not a folder"),
        ("level = 'auot'", "[tool.samebits] level: 'auot' is not one of"),
        ("seed = ", "cannot be read: Invalid value"),
    ],
)
def test_one_sentence_names_the_file_and_the_key(
    samebits: Run, below: Below, project: Path, text: str, sentence: str
) -> None:
    write(project, text + "\n")
    answer = samebits("verify", "train.py")
    assert answer.code == 2
    assert answer.err.startswith(f"samebits: {project / 'pyproject.toml'}")
    assert sentence in answer.err
    assert answer.err.count("\n") == 1
    assert below.calls == []
    assert samebits("verify", "--help").code == 0  # help comes all the same


def test_a_table_that_is_none(samebits: Run, below: Below, folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool]\nsamebits = 3\n")
    answer = samebits("verify", "train.py")
    assert answer.code == 2
    assert "tool.samebits must be a table" in answer.err
    (folder / "pyproject.toml").write_text("broken = ")  # another tool's fault
    assert samebits("verify", "train.py").code == 0
