"""A result goes where the user says, whatever stands there."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from samebits._runtime.whole import write_there


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_a_new_file_gets_the_mode_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_there(tmp_path / "new", b"1")
    finally:
        os.umask(before)
    assert (mode(tmp_path / "new"), (tmp_path / "new").read_bytes()) == (0o600, b"1")


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("longer than what comes")
    (tmp_path / "old").chmod(0o640)
    write_there(tmp_path / "old", b"2")
    assert (mode(tmp_path / "old"), (tmp_path / "old").read_bytes()) == (0o640, b"2")


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_one(tmp_path: Path, there: bool) -> None:
    if there:
        (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    write_there(tmp_path / "link", b"3")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"3"


def test_a_file_of_two_names_stays_one(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old")
    os.link(tmp_path / "one", tmp_path / "two")
    write_there(tmp_path / "one", b"4")
    assert (tmp_path / "two").read_bytes() == b"4"


def test_a_pipe_is_written_into(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_there(tmp_path / "pipe", b"5")
    reader.join()
    assert got == [b"5"]
    assert stat.S_ISFIFO((tmp_path / "pipe").lstat().st_mode)


def test_an_open_descriptor_is_written_into(tmp_path: Path) -> None:
    read, write = os.pipe()
    write_there(Path(f"/dev/fd/{write}"), b"6")
    os.close(write)
    assert os.read(read, 9) == b"6"
    os.close(read)
