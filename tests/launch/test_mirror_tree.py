"""What a mirror holds: it looks like the folder, and is little."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from tests.launch.trials import BIG, PLACES, User, code, seen, trial
from tests.launch.trials import user as user

from samebits.launch import mirror_tree
from samebits.launch.mirror_tree import looked_through

as_root = os.geteuid() == 0


def test_it_looks_like_the_folder(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    (user.folder / ".samebits" / "run").mkdir(parents=True)
    (user.folder / "sub folder" / "__pycache__").mkdir()
    os.mkfifo(user.folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(user.folder)  # its path may be too long for a socket's
        listening.bind("socket")
        (user.folder / "run.sh").write_text("#!/bin/sh\n")
        (user.folder / "run.sh").chmod(0o751)
        os.utime(user.folder / "run.sh", ns=(10**18, 10**18 + 1))
        (user.folder / "empty").chmod(0o711)
        before = user.bytes()
        with user.mirror() as mirror:
            assert seen(mirror.folder) == seen(user.folder)
            for name in (".samebits", "sub folder/__pycache__", "pipe", "socket"):
                assert not os.path.lexists(mirror.folder / name)
            assert (mirror.folder / "run.sh").stat().st_mode & 0o777 == 0o751
            assert (mirror.folder / "run.sh").stat().st_mtime_ns == 10**18 + 1
            assert (mirror.folder / "empty").stat().st_mode & 0o777 == 0o711
            assert mirror.linked == (user.folder / "env",)
        assert user.bytes() == before


def test_sources_and_small_files_are_copies_and_the_rest_are_links(user: User) -> None:
    (user.folder / "edge.bin").write_bytes(bytes(64 << 10))
    (user.folder / "book.ipynb").write_bytes(b"{}" + b" " * (1 << 20))
    with user.mirror() as mirror:
        copies = ("x.py", "small.txt", "edge.bin", "book.ipynb", "sub folder/module.py")
        for name in copies:
            assert not (mirror.folder / name).is_symlink()
            assert (mirror.folder / name).stat().st_ino != (user.folder / name).stat().st_ino
            assert (mirror.folder / name).read_bytes() == (user.folder / name).read_bytes()
        for name in ("big.bin", "sub folder/big.bin", PLACES[-1], "env"):
            assert (mirror.folder / name).is_symlink()
        assert os.readlink(mirror.folder / "inside") == "target 1"
        assert os.readlink(mirror.folder / "dangling") == "nowhere"
        assert (mirror.folder / "absolute").resolve() == mirror.folder / "target 2"


def test_links_stay_links_and_lead_to_the_mirror(user: User) -> None:
    (user.folder / "to here").symlink_to(user.folder)
    (user.folder / "up").symlink_to("../../elsewhere/deep")
    (user.folder / "sub folder" / "beside").symlink_to("../small.txt")
    with user.mirror() as mirror:
        (mirror.folder / "to here" / "small.txt").write_text("changed")
        assert (mirror.folder / "sub folder" / "beside").read_text() == "changed"
        assert (mirror.folder / "up" / "big.bin").read_bytes() == BIG
    assert (user.folder / "small.txt").read_text() == "small\n"


def test_what_lies_beside_and_above_is_there(user: User, tmp_path: Path) -> None:
    (tmp_path / "home of me" / "data").mkdir()
    (tmp_path / "home of me" / "data" / "x.csv").write_text("1,2")
    text = (
        "open('../data/x.csv', 'a').write('more'); open('../new', 'w').write('new')\n"
        "open('../../elsewhere/big.bin', 'w').write('new')\n"
        "print(open('../data/x.csv').read())"
    )
    before = user.bytes()
    with user.mirror() as mirror:
        ended = trial(mirror, code(text))
        assert (ended.stdout, ended.stderr) == ("1,2more\n", "")
    assert (tmp_path / "home of me" / "data" / "x.csv").read_text() == "1,2"
    assert not (tmp_path / "home of me" / "new").exists()
    assert user.bytes() == before


def test_a_file_of_two_names_is_changed_under_neither(user: User) -> None:
    os.link(user.folder / "big.bin", user.folder / "second.bin")
    os.link(user.folder / "small.txt", user.folder / "second.txt")
    before = user.bytes()
    with user.mirror() as mirror:
        text = "for name in ('big.bin', 'second.txt'): open(name, 'a').write('more')"
        assert trial(mirror, code(text)).returncode == 0
        assert (mirror.folder / "big.bin").read_bytes() == BIG + b"more"
    assert user.bytes() == before


def test_names_that_are_no_text(user: User) -> None:
    name = os.fsdecode(b"\xff\xfe \n'\"")
    (user.folder / name).mkdir()
    (user.folder / name / name).write_bytes(BIG)
    before = user.bytes()
    with user.mirror() as mirror:
        text = "name = bytes.fromhex(__import__('sys').argv[1]); open(name + b'/' + name, 'ab').write(b'x')"
        ended = trial(mirror, code(text, os.fsencode(name).hex()))
        assert (ended.returncode, ended.stderr) == (0, "")
        assert (mirror.folder / name / name).read_bytes() == BIG + b"x"
    assert user.bytes() == before


def test_folders_linked_as_a_whole_are_said(user: User) -> None:
    for name in (".git/objects", "web/node_modules/x", "conda/conda-meta", "venv"):
        (user.folder / name).mkdir(parents=True)
    (user.folder / "venv" / "pyvenv.cfg").write_text("")
    with user.mirror() as mirror:
        names = (".git", "conda", "env", "venv", "web/node_modules")
        assert mirror.linked == tuple(user.folder / name for name in names)
        assert all((mirror.folder / name).is_symlink() for name in names)


@pytest.mark.skipif(as_root, reason="root reads everything")
def test_what_cannot_be_read_is_linked(user: User) -> None:
    """So the trial meets the error that the program meets."""
    (user.folder / "secret.py").write_text("x = 1")
    (user.folder / "secret.py").chmod(0)
    (user.folder / "closed").mkdir(mode=0)
    try:
        with user.mirror() as mirror:
            assert mirror.linked == tuple(user.folder / name for name in ("closed", "env", "secret.py"))
            for name in ("closed/x", "secret.py"):
                ended = trial(mirror, code(f"open({name!r})"))
                assert "PermissionError" in ended.stderr
    finally:
        (user.folder / "closed").chmod(0o700)


def test_a_folder_that_is_read_only(user: User) -> None:
    for folder in ("sub folder", "env", "env/deep"):
        (user.folder / folder).chmod(0o555)
    before = user.bytes()
    try:
        with user.mirror() as mirror:
            text = "for name in ('sub folder', 'env', 'env/deep'): open(name + '/big.bin', 'a').write('more')"
            ended = trial(mirror, code(text))
            assert (ended.returncode, ended.stderr) == (0, "")
            assert (mirror.folder / "env" / "deep" / "big.bin").read_bytes() == BIG + b"more"
            assert (mirror.folder / "env").stat().st_mode & 0o777 == 0o555
            base = mirror.folder.parents[len(user.folder.parts) - 1]
        assert not base.exists()
        assert user.bytes() == before
    finally:
        for folder in ("sub folder", "env", "env/deep"):
            (user.folder / folder).chmod(0o755)


# --- how much there is


def names(folder: mirror_tree.Folder) -> set[str]:
    """The folders that are linked as a whole, relative to the one that was looked through."""
    return {os.path.relpath(each.path, folder.path) for each in folder.below() if each.whole}


def fill(folder: Path, files: int, *more: str) -> None:
    folder.mkdir(parents=True)
    for name in (*map(str, range(files)), *more):
        (folder / name).touch()


def test_the_largest_folders_without_sources_are_linked_first(tmp_path: Path) -> None:
    fill(tmp_path / "data" / "small", 10)
    fill(tmp_path / "data" / "large", 60)
    fill(tmp_path / "code", 80, "a.py")
    fill(tmp_path / "other", 50)
    assert names(looked_through(str(tmp_path), 300)) == set()
    assert names(looked_through(str(tmp_path), 200)) == {"data"}
    assert names(looked_through(str(tmp_path), 100)) == {"data", "other"}
    assert names(looked_through(str(tmp_path), 50)) == {"data", "other", "code"}


def test_a_part_is_linked_where_the_whole_holds_sources(tmp_path: Path) -> None:
    fill(tmp_path / "package", 0, "a.py")
    fill(tmp_path / "package" / "images" / "train", 90)
    fill(tmp_path / "package" / "images" / "code", 5, "b.pyi")
    assert names(looked_through(str(tmp_path), 60)) == {"package/images/train"}


def test_a_folder_that_is_too_large_is_not_looked_through(tmp_path: Path) -> None:
    fill(tmp_path / "flat", 200)
    fill(tmp_path / "flat" / "below", 1, "a.py")
    top = looked_through(str(tmp_path), 100)
    assert names(top) == {"flat"}
    assert all(not each.folders for each in top.folders)


def test_what_lies_deep_in_very_many_is_not_looked_at(tmp_path: Path) -> None:
    for number in range(30):
        fill(tmp_path / "many" / str(number) / "deep", 20)
    fill(tmp_path / "code", 3, "a.py")
    top = looked_through(str(tmp_path), 30)
    assert names(top) == {"many"}
    assert top.count <= 30


def test_files_of_the_folder_itself_are_all_there(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / str(number)).touch()
    top = looked_through(str(tmp_path), 10)
    assert len(top.entries) == 50
    assert not top.whole


def test_copies_have_a_limit(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_tree, "COPIED", 40_000)
    for number in range(5):
        (user.folder / f"{number}.txt").write_bytes(bytes(15_000))
        (user.folder / f"{number}.py").write_bytes(b"#" * 15_000)
    with user.mirror() as mirror:
        assert sum((mirror.folder / f"{number}.txt").is_symlink() for number in range(5)) == 3
        assert not any((mirror.folder / f"{number}.py").is_symlink() for number in range(5))
