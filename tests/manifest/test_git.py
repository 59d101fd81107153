"""What git says of a folder, and that it never stops a run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from samebits.manifest import git
from samebits.manifest.git import DIFF_LIMIT

#: The room exports a function of the same name.
MODULE = "samebits.manifest.git"
AUTHOR = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")


def run_git(folder: Path, *words: str) -> None:
    subprocess.run(("git", *AUTHOR, *words), cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    folder = tmp_path / "a folder ü"
    folder.mkdir()
    run_git(folder, "init", "--quiet")
    (folder / "train.py").write_text("lr = 0.1\n")
    run_git(folder, "add", "train.py")
    run_git(folder, "commit", "--quiet", "-m", "first")
    return folder


def test_clean(repository: Path) -> None:
    answer = git(repository)
    assert answer is not None
    assert len(answer["commit"]) == 40
    assert answer == {"commit": answer["commit"], "dirty": False}


def test_dirty(repository: Path) -> None:
    (repository / "train.py").write_text('lr = 0.2\napi_key = "abcdefgh"\n')
    answer = git(repository)
    assert answer is not None
    assert answer["dirty"]
    assert not answer["diff_cut"]
    assert "+lr = 0.2" in answer["diff"]
    assert "abcdefgh" not in answer["diff"]
    (repository / "train.py").write_text("lr = 0.3\n")
    other = git(repository)
    assert other is not None
    assert other["digest"] != answer["digest"]


def test_what_a_run_writes_does_not_make_it_dirty(repository: Path) -> None:
    (repository / "model.pt").write_bytes(b"x")
    answer = git(repository)
    assert answer is not None
    assert not answer["dirty"]


def test_a_large_diff_is_cut(repository: Path) -> None:
    (repository / "train.py").write_text("x = 1\n" * DIFF_LIMIT)
    answer = git(repository)
    assert answer is not None
    assert answer["diff_cut"]
    assert len(answer["diff"]) <= DIFF_LIMIT


def test_before_the_first_commit(repository: Path) -> None:
    folder = repository / "inner"
    folder.mkdir()
    run_git(folder, "init", "--quiet")
    assert git(folder) == {"commit": None, "dirty": True}


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git(tmp_path) is None
    assert git(tmp_path / "missing") is None


def test_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git(tmp_path) is None


def test_a_git_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "git"
    fake.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys.modules[MODULE], "TIMEOUT", 0.3)
    begin = time.monotonic()
    assert git(tmp_path) is None
    assert time.monotonic() - begin < 20


def test_the_repository_chooses_no_program(repository: Path) -> None:
    """A setting inside a repository names programs that git would run; none of them is."""
    trap = repository / "trap"
    trap.write_text(f"#!/bin/sh\ntouch '{repository}/sprung'\n")
    trap.chmod(0o755)
    for setting in ("diff.external", "core.fsmonitor", "core.pager"):
        run_git(repository, "config", setting, f"'{trap}'")
    (repository / "train.py").write_text("lr = 0.2\n")
    assert git(repository) is not None
    assert not (repository / "sprung").exists()
