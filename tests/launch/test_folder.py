"""The folder of a run: its name, its mode, and what is said where it can no longer be written."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from samebits.launch import process


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_nobody_else_looks_into_it(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        folder = process.new_folder(tmp_path)
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_names_never_collide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.secrets, "token_hex", lambda size: "00" * size)
    assert len({process.new_folder(tmp_path) for _ in range(3)}) == 3


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


def test_runs_kept_beside_the_users_files_hide_none_of_them(folder: Any) -> None:
    folder.write("train.py", "import torch\ntorch.ones(1).item()\n")
    subprocess.run(["git", "init", "-q"], cwd=folder.path, check=True)
    assert folder.samebits("record", "--out", ".", "train.py").code == 0
    done = subprocess.run(["git", "status", "--short"], cwd=folder.path, capture_output=True, text=True)
    assert done.stdout == "?? train.py\n"
    refused = folder.samebits("rm", ".")
    assert refused.code == 2
    assert "it is not a run but holds one" in refused.err
    assert len(list(folder.path.glob("2*"))) == 1


def test_what_is_printed_is_not_compared_but_said(folder: Any) -> None:
    folder.write("train.py", "import os, torch\nprint(torch.ones(1).item())\nprint(os.urandom(9))\n")
    ended = folder.samebits("verify", "train.py")
    assert ended.out.startswith("SAME")
    assert "what the runs printed differs, first in line 2" in " ".join(ended.out.split())


def test_a_record_that_has_no_room_is_said(folder: Any) -> None:
    folder.write("train.py", "import torch\ntorch.ones(1).item()\n")
    words = f"ulimit -f 40; {shlex.quote(sys.executable)} -m samebits record train.py"
    done = subprocess.run(["bash", "-c", words], cwd=folder.path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "could not write the record main.db" in done.stderr
