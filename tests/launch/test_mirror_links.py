"""A link of a mirror becomes a copy once, whoever else is about to write."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.launch.trials import BIG, User, begun, code, trial
from tests.launch.trials import user as user

from samebits.launch.mirror import Mirror
from samebits.launch.mirror_links import Links

#: So large that to copy it takes a while.
LARGE = 64 << 20


def place(mirror: Mirror) -> Path:
    """The folder that the mirror's variable names."""
    return Path(dict(mirror.program(code("")).variables)["SAMEBITS_MIRROR"] or "")


def links(mirror: Mirror) -> Links:
    return Links(str(place(mirror)))


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_processes_that_copy_one_file_at_once_lose_nothing(user: User) -> None:
    (user.folder / "large.bin").write_bytes(bytes(LARGE))
    text = """
import os, sys, time
open(f"ready {sys.argv[1]}", "w")
while not os.path.exists("go"): pass
with open("large.bin", "a") as file: file.write(sys.argv[1])
"""
    with user.mirror() as mirror:
        started = [begun(mirror.program(code(text, str(number)))) for number in range(5)]
        until(lambda: len(list(mirror.folder.glob("ready *"))) == 5)
        (mirror.folder / "go").touch()
        assert [(each.communicate(timeout=100), each.returncode) for each in started] == [(("", ""), 0)] * 5
        with open(mirror.folder / "large.bin", "rb") as file:
            file.seek(LARGE)
            assert sorted(file.read()) == sorted(b"01234")
    assert (user.folder / "large.bin").stat().st_size == LARGE


def test_a_child_that_is_forked_amid_a_copy_can_write(user: User) -> None:
    (user.folder / "large.bin").write_bytes(bytes(LARGE))
    text = """
import os, threading
scratch = os.path.join(os.path.dirname(os.environ["SAMEBITS_MIRROR"]), "scratch")
thread = threading.Thread(target=lambda: open("large.bin", "a"))
thread.start()
while not os.listdir(scratch): pass
child = os.fork()
if not child:
    open("big.bin", "w").write("child")
    os._exit(0)
print(os.waitpid(child, 0)[1])
"""
    with user.mirror() as mirror:
        process = begun(mirror.program(code(text)))
        try:
            assert process.communicate(timeout=100) == ("0\n", "")
        finally:
            with suppress(ProcessLookupError):  # the child would wait for ever
                os.killpg(process.pid, signal.SIGKILL)
        assert (mirror.folder / "big.bin").read_text() == "child"


@pytest.mark.parametrize("at_once", [True, False])
def test_a_folder_takes_the_place_of_a_link(
    user: User, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    """At once where Linux can: who looks for a file in it meanwhile finds it."""

    def rename(*paths: str) -> None:
        raise AssertionError("between two of these there is nothing at the place")

    with user.mirror() as mirror:
        if at_once:
            monkeypatch.setattr(os, "rename", rename)
        else:
            monkeypatch.setattr("sys.platform", "other")
        own = links(mirror).own(str(mirror.folder / "env" / "deep" / "new"))
        assert own == str(mirror.folder / "env" / "deep" / "new")
        assert not (mirror.folder / "env" / "deep").is_symlink()
        assert (mirror.folder / "env" / "deep" / "big.bin").is_symlink()
        assert list((place(mirror).parent / "scratch").iterdir()) == []


def test_an_entry_that_its_folder_does_not_list(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where homes are mounted when they are asked for; and of a folder that may not be listed."""
    there = user.elsewhere / "homes" / "me"
    there.mkdir(parents=True)
    (user.elsewhere / "homes" / "you").mkdir()
    (there / "x.bin").write_bytes(BIG)
    (user.folder / "far").symlink_to(there)
    listed = os.scandir

    def scandir(path: str) -> object:
        if str(path) == str(there.parent):
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    with user.mirror() as mirror:
        monkeypatch.setattr(os, "scandir", scandir)
        own = links(mirror).own(str(mirror.folder / "far" / "x.bin"))
        assert own == str(place(mirror)) + str(there / "x.bin")
        assert not Path(own).is_symlink()
        assert Path(own).read_bytes() == BIG


def test_what_lies_beside_stays_linked_when_all_is_walked(user: User) -> None:
    with user.mirror() as mirror:
        ended = trial(
            mirror, code("import pathlib; print(len(list(pathlib.Path('../..').rglob('big.bin'))))")
        )
        assert (ended.stdout, ended.stderr) == ("7\n", "")
        assert (mirror.folder.parents[1] / "elsewhere").is_symlink()
        assert not (mirror.folder / "env" / "deep").is_symlink()


def test_ways_that_lead_nowhere(user: User) -> None:
    (user.folder / "loop").symlink_to("loop")
    (user.folder / "a").symlink_to("b")
    (user.folder / "b").symlink_to("a")
    (user.folder / "lost").symlink_to(user.elsewhere / "gone")
    with user.mirror() as mirror:
        found = links(mirror)
        assert found.own(str(mirror.folder / "loop" / "x")) is None
        assert found.own(str(mirror.folder / "a")) is None
        assert found.own(found.folder + "/../x") is None
        missing = str(mirror.folder / "missing" / "deep" / "x")
        assert found.own(missing) == missing
        assert found.own(str(mirror.folder / "small.txt" / "x")) == str(mirror.folder / "small.txt" / "x")
        ended = trial(mirror, code("open('lost', 'w').write('new'); open('dangling', 'w').write('new')"))
        assert (ended.returncode, ended.stderr) == (0, "")
        assert (mirror.folder / "lost").read_text() == (mirror.folder / "nowhere").read_text() == "new"
    assert not (user.elsewhere / "gone").exists()
    assert not (user.folder / "nowhere").exists()


def test_what_is_neither_file_nor_folder_is_left(user: User) -> None:
    (user.folder / "null").symlink_to("/dev/null")
    with user.mirror() as mirror:
        assert os.readlink(mirror.folder / "null") == "/dev/null"
        assert trial(mirror, code("open('null', 'w').write('x')")).returncode == 0
        assert (mirror.folder / "null").is_char_device()
