"""The folder of a run: its name, its mode, and what is said where it can no longer be written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from samebits.launch import run


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_nobody_else_looks_into_it(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        folder = run.new_folder(tmp_path)
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_names_never_collide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.secrets, "token_hex", lambda size: "00" * size)
    assert len({run.new_folder(tmp_path) for _ in range(3)}) == 3


@pytest.mark.parametrize("command", ["record", "verify"])
def test_removed_during_the_run(folder: Any, command: str) -> None:
    folder.write(
        "removes.py",
        "import shutil\nshutil.rmtree('.samebits')\nopen('result', 'w').write('right')\nprint('done')\n",
    )
    ended = folder.samebits(command, "removes.py")
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert "the folder is gone; the program itself ended with exit code 0" in ended.err
    assert (folder.path / "result").read_text() == "right"
