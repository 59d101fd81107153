"""Compiled code is loaded only where nobody else may write it, and a build that fails leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from samebits._runtime import native
from samebits.model.facts import Detail, Write
from samebits.observe import describe, installation, observer
from samebits.usercode import opened

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder and a folder for temporary files, both of this test."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setenv("SAMEBITS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def made(text: str = "code") -> Path:
    def make(scratch: Path) -> Path:
        (scratch / "made").write_text(text)
        return scratch / "made"

    return native.build("x.so", make)


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o000])
def test_what_is_built_is_found_and_nobody_else_may_write_it(cache: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        path = made()
    finally:
        os.umask(before)
    assert path == cache / "x.so" == native.find("x.so")
    assert cache.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_mode & 0o022 == 0
    assert native.refused("x.so") is None
    assert [each.name for each in cache.iterdir()] == ["x.so"]


@pytest.mark.parametrize("bits", [0o020, 0o002])
def test_a_file_that_others_may_write_is_not_loaded_and_is_built_anew(cache: Path, bits: int) -> None:
    path = made("planted")
    path.chmod(0o755 | bits)
    assert native.find("x.so") is None
    assert (
        native.refused("x.so")
        == f"compiled code kept there is not used: others may write '{path}'; chmod go-w {path}"
    )
    assert made("anew") == path
    assert (path.read_text(), native.find("x.so")) == ("anew", path)


@pytest.mark.parametrize("bits", [0o020, 0o002])
def test_a_folder_that_others_may_write_is_left_for_a_private_place(
    cache: Path, tmp_path: Path, bits: int
) -> None:
    made("planted")
    cache.chmod(0o755 | bits)
    assert native.find("x.so") is None
    assert f"others may write '{cache}'" in (native.refused("x.so") or "")
    path = made("ours")
    assert path.parent == tmp_path / "tmp" / f"samebits-{os.geteuid()}"
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert native.find("x.so") == path
    assert (cache / "x.so").read_text() == "planted"


def test_a_folder_above_that_anybody_may_write_is_refused_unless_it_is_sticky(
    cache: Path, tmp_path: Path
) -> None:
    made()
    tmp_path.chmod(0o777)
    assert native.find("x.so") is None
    assert f"others may write '{tmp_path}'" in (native.refused("x.so") or "")
    tmp_path.chmod(0o1777)
    assert native.find("x.so") == cache / "x.so"


def test_a_link_to_another_disk_is_followed(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir(mode=0o700)
    cache.symlink_to(tmp_path / "scratch")
    made()
    assert native.find("x.so") == cache / "x.so"
    (tmp_path / "scratch").chmod(0o777)
    assert native.find("x.so") is None


@root_only
def test_what_belongs_to_another_user_is_refused(cache: Path, tmp_path: Path) -> None:
    path = made()
    os.chown(path, 12345, -1)
    assert native.refused("x.so") == f"compiled code kept there is not used: '{path}' belongs to another user"
    assert native.find("x.so") is None
    private = tmp_path / "tmp" / "samebits-0"
    private.mkdir(mode=0o700)
    os.chown(private, 12345, -1)
    os.chown(cache, 12345, -1)
    with pytest.raises(native.NoFolder, match=r"no folder to keep it in: .*another user; .*another user"):
        made()


@pytest.mark.parametrize(
    "variables",
    [
        {"HOME": ""},
        {"HOME": "/nowhere/at/all"},
        {"HOME": "/proc"},
        {"XDG_CACHE_HOME": "/dev/null"},
        {"XDG_CACHE_HOME": "relative", "HOME": "/nowhere/at/all"},
    ],
    ids=str,
)
def test_without_a_home_that_can_be_written_to_the_private_place_is_used(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    monkeypatch.delenv("SAMEBITS_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert made().parent == tmp_path / "tmp" / f"samebits-{os.geteuid()}"
    assert not Path("/nowhere").exists()


def test_a_user_without_an_entry_has_no_home(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("SAMEBITS_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", home)
    assert [folder.name for folder in native.folders()] == [f"samebits-{os.geteuid()}"]


def test_without_any_folder_it_is_one_error(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMEBITS_CACHE", "/dev/null/x")
    monkeypatch.setenv("TMPDIR", "/nowhere/at/all")
    monkeypatch.setenv("CXX", "true")
    with pytest.raises(observer.BuildError, match="no folder to keep it in: '/dev/null/x'"):
        observer.build(replace(installation.here(), torch_digest="none"))
    assert not Path("/nowhere").exists()


def test_a_compiler_that_fails_is_quoted_and_leaves_nothing(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "c++"
    broken.write_text("#!/bin/sh\nsleep 0.6\necho 'c++: error: this one is broken' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    ticks: list[float] = []
    with pytest.raises(observer.BuildError, match="failed: c\\+\\+: error: this one is broken"):
        observer.build(tick=ticks.append)
    assert ticks == sorted(ticks)
    assert ticks
    assert list(cache.iterdir()) == []
    assert not observer.is_built()


def test_what_a_killed_build_left_is_removed_later_and_is_never_loaded(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "c++"
    slow.write_text('#!/bin/sh\nfor w; do [ "$p" = -o ] && echo half > "$w"; p=$w; done\nexec sleep 5\n')
    slow.chmod(0o755)
    code = "from samebits.observe import observer; observer.build()"
    child = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "CXX": str(slow)})
    until = time.monotonic() + 60
    while not list(cache.glob("build-*/observer-*.o")) and time.monotonic() < until:
        time.sleep(0.05)
    (left,) = cache.glob("build-*")
    child.kill()
    child.wait()
    assert not observer.is_built()
    made()
    assert left.exists()  # it may be another's, at work
    os.utime(left, (0, 0))
    made()
    assert not left.exists()


@pytest.mark.skipif(os.name != "posix", reason="there are no groups of processes there")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_compiler_and_what_it_starts_do_not_outlive_samebits(
    cache: Path, tmp_path: Path, number: int
) -> None:
    slow = tmp_path / "c++"
    slow.write_text(
        f"#!/bin/sh\nsleep 300 & echo $! > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; wait\n"
    )
    slow.chmod(0o755)
    code = "from samebits.observe import observer; observer.build()"
    child = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "CXX": str(slow)}, stderr=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while not (tmp_path / "pid").exists() and time.monotonic() < until:
        time.sleep(0.05)
    below = int((tmp_path / "pid").read_text())
    os.kill(child.pid, number)
    child.wait()
    while alive(below) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(below)


def alive(pid: int) -> bool:
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
    return bool(said.strip()) and not said.startswith("Z")


def test_the_file_is_named_by_the_build_of_torch() -> None:
    here = installation.here()
    other = replace(here, torch_digest="of a build for CUDA with the same version")
    assert observer.built_name(here) != observer.built_name(other)
    assert observer.built_name(here) == observer.built_name(installation.of(_link_to_this()))


def _link_to_this() -> str:
    return os.path.join(os.path.dirname(sys.executable), ".", os.path.basename(sys.executable))


def test_builds_of_one_version_for_other_devices_are_told_apart(tmp_path: Path) -> None:
    found = set()
    for number, cuda in enumerate(("None", "'12.9'", "'13.0'")):
        folder = tmp_path / str(number) / "torch"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("raise SystemExit('torch must not be imported')")
        (folder / "version.py").write_text(f"__version__ = '2.13.0'\ncuda = {cuda}\n")
        done = subprocess.run(
            [sys.executable, "-S", describe.__file__],
            env={"PYTHONPATH": str(folder.parent)},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout)
        assert '"torch_version": "2.13.0"' in done.stdout
    assert len(found) == 3


def test_the_observer_links_nothing_of_cuda(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "words"
    compiler = tmp_path / "c++"
    compiler.write_text(
        f'#!/bin/sh\necho "$*" > {kept}\nfor w; do [ "$p" = -o ] && echo x > "$w"; p=$w; done\nexit 0\n'
    )
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    observer.build()
    words = kept.read_text().split()
    assert [word for word in words if word.startswith("-l")] == ["-ltorch_python", "-ltorch_cpu", "-lc10"]


def test_what_is_built_amid_a_program_is_no_file_of_the_program(cache: Path) -> None:
    told: list[Detail] = []
    opened.start(
        lambda detail, site: told.append(detail), lambda file: False, interpreter_started=lambda: None
    )
    try:
        Path(cache.parent / "data.txt").write_text("1")
        made()
    finally:
        opened.stop()
    assert [detail.path for detail in told if isinstance(detail, Write)] == [str(cache.parent / "data.txt")]
