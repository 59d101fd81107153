"""A user's folder with many kinds of files, and programs that run in a mirror of it and by themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from samebits.control.settings import Control
from samebits.launch.mirror import Mirror
from samebits.launch.program import Program

BIG = bytes(range(256)) * 257  # just more than is copied
#: Where files of that size lie: in the folder, in folders, behind links of the user's, in a folder that is
#: linked as a whole, in both.
PLACES = (
    "big.bin",
    "sub folder/big.bin",
    "inside/big.bin",
    "outside/big.bin",
    "outside/deep/big.bin",
    "env/big.bin",
    "env/deep/big.bin",
    "absolute/big.bin",
    "named.bin",
    "odd 'name' ü %s.bin",
)


@dataclass
class User:
    """A user's folder, and another of the user's to which links in it lead."""

    folder: Path
    elsewhere: Path

    @classmethod
    def made(cls, top: Path) -> User:
        user = cls(top / "home of me" / "my project", top / "elsewhere")
        user.fill()
        return user

    def fill(self, name: str = "") -> Path:
        """Make the files in the folder, or in a folder of that name in it."""
        here, there = self.folder / name, self.elsewhere / name
        for folder in ("sub folder", "target 1", "target 2", "env/deep", "env/named", "empty"):
            (here / folder).mkdir(parents=True)
        (there / "deep").mkdir(parents=True)
        (here / "env" / "pyvenv.cfg").write_text("home = /usr\n")
        (here / "x.py").write_text("print('hello')\n")
        (here / "small.txt").write_text("small\n")
        (here / "sub folder" / "module.py").write_text("x = 1\n" * 20_000)
        (here / "inside").symlink_to("target 1")
        (here / "outside").symlink_to(there)
        (here / "absolute").symlink_to(here / "target 2")
        (here / "named.bin").symlink_to("env/named/big.bin")
        (here / "dangling").symlink_to("nowhere")
        for place in (*PLACES, "named.bin"):
            (here / place).write_bytes(BIG)
        return here

    def mirror(self, *words: str, kind: str = "script") -> Mirror:
        return Mirror(self.folder, Program(kind, words or ("x.py",)))  # type: ignore[arg-type]

    def bytes(self) -> dict[str, object]:
        """All that must stay as it is: contents, links, modes and times, here and elsewhere."""
        return {str(path): _state(path) for top in (self.folder, self.elsewhere) for path in _below(top)}


def _below(top: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(top):
        yield from (Path(folder) / name for name in ("", *folders, *files))


def _state(path: Path) -> object:
    found = path.lstat()
    content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
    return content, found.st_mode, found.st_mtime_ns, found.st_ino, found.st_nlink


def seen(folder: Path) -> dict[str, object]:
    """What a program sees in a folder: through all links, and without times."""
    found: dict[str, object] = {}
    for above, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name not in (".samebits", "__pycache__")]
        for name in (*folders, *files):
            path = Path(above) / name
            if path.is_dir() or path.is_file():
                state = path.stat().st_mode, path.read_bytes() if path.is_file() else None
                found[str(path.relative_to(folder))] = state
    return found


def trial(mirror: Mirror, program: Program) -> subprocess.CompletedProcess[str]:
    """Run a program in a mirror, as `launch` starts it, neither observed nor controlled."""
    return plain(mirror.program(program))


def plain(program: Program) -> subprocess.CompletedProcess[str]:
    process = begun(program)
    out, err = process.communicate(timeout=200)
    return subprocess.CompletedProcess(program.command(), process.returncode, out, err)


def begun(program: Program) -> subprocess.Popen[str]:
    return subprocess.Popen(
        program.command(),
        cwd=program.folder,
        env=dict(program.environment(Control())),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def code(text: str, *words: str) -> Program:
    """A program of this text."""
    return Program("command", (sys.executable, "-c", text, *words))


@pytest.fixture
def user(tmp_path: Path) -> User:
    return User.made(tmp_path)
