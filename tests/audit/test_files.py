"""Which files an audit reads: each once, and none through a link that it came upon."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from samebits.audit.files import found
from samebits.errors import UsageError


def test_links_in_folders_are_not_followed_and_a_file_is_taken_once(tmp_path: Path) -> None:
    top, other = tmp_path / "top", tmp_path / "other"
    for folder in (top / "inside", other):
        folder.mkdir(parents=True)
    (top / "a.py").write_text("x = 1\n")
    (top / "notes.txt").write_text("x = 1\n")
    (other / "b.py").write_text("x = 1\n")
    (top / "linked.py").symlink_to(other / "b.py")
    (top / "folder").symlink_to(other)
    os.link(top / "a.py", top / "inside" / "again.py")
    assert found([top]).files == [str(top / "a.py")]
    assert found([top / "a.py", top, f"{top}/./a.py"]).files == [str(top / "a.py")]
    assert found([top / "linked.py"]).files == [str(top / "linked.py")]


def test_what_is_left_out(tmp_path: Path) -> None:
    for name in (
        "venv/x.py",
        "env/x.py",
        ".hidden/x.py",
        "build/x.py",
        "src/x.py",
        "src/old/y.py",
        "src/.y.py",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    kept = [str(tmp_path / "src/old/y.py"), str(tmp_path / "src/x.py")]
    assert sorted(found([tmp_path]).files) == kept
    assert found([tmp_path], ["old"]).files == kept[1:]
    assert found([tmp_path], ["src/o*"]).files == kept[1:]
    with pytest.raises(UsageError, match="is not there"):
        found([tmp_path / "gone"])
