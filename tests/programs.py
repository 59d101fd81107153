"""Whole programs, run plainly and under `samebits`, in a folder of their own."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from samebits.record.run import Run, list_runs

SAMEBITS = (sys.executable, "-m", "samebits")


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class Folder:
    """A folder with scripts in it, and the runs kept there."""

    path: Path
    opened: list[Run] = field(default_factory=list)

    def write(self, name: str, text: str) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def environment(self, **variables: str) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SAMEBITS_", "PYTHONHASHSEED"))}
        return kept | {"COLUMNS": "100", "OMP_NUM_THREADS": "2"} | variables

    def run(
        self, *words: str | Path, timeout: float = 240, cwd: Path | None = None, **variables: str
    ) -> Ended:
        done = subprocess.run(
            [str(word) for word in words],
            cwd=cwd or self.path,
            env=self.environment(**variables),
            capture_output=True,
            timeout=240,
            stdin=subprocess.DEVNULL,
        )
        return Ended(
            done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )

    def samebits(self, *words: str | Path, **options: Any) -> Ended:
        return self.run(*SAMEBITS, *words, **options)

    def python(self, *words: str | Path, **options: Any) -> Ended:
        return self.run(sys.executable, *words, **options)

    def runs(self, out: Path | None = None) -> list[Run]:
        """The kept runs, oldest first; open until the test has ended."""
        runs = [Run.open(info.path) for info in reversed(list_runs(out or self.path / ".samebits"))]
        self.opened += runs
        return runs

    def close(self) -> None:
        for run in self.opened:
            run.close()

    def last(self) -> Run:
        return self.runs()[-1]

    def json(self, *words: str | Path, **options: Any) -> tuple[Ended, dict[str, Any]]:
        """`samebits verify --json -`: how it ended and the verdict."""
        ended = self.samebits("verify", "--json", "-", *words, **options)
        return ended, json.loads(ended.out)


@dataclass
class Started:
    """A command that was started, and every process below it, found by a mark in its variables."""

    process: subprocess.Popen[str]
    mark: str

    def survivors(self) -> dict[int, str]:
        """The living processes with the mark, samebits itself excepted: pid and command line."""
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                marked = self.mark.encode() in (entry / "environ").read_bytes()
                state = (entry / "stat").read_bytes().rpartition(b")")[2].split()[0]
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if marked and state not in (b"Z", b"X") and int(entry.name) != self.process.pid:
                found[int(entry.name)] = words
        return found

    def gone(self, seconds: float = 3.0) -> dict[int, str]:
        """What is still there after so long at most."""
        deadline = time.monotonic() + seconds
        while (left := self.survivors()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left

    def state(self, pid: int) -> str:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

    def end(self, seconds: float = 60.0) -> int:
        return self.process.wait(seconds)


@pytest.fixture
def start(folder: Folder) -> Iterator[Callable[..., Started]]:
    """Starts `samebits` with words, in the folder; whatever is left of it is killed after the test."""
    everything: list[Started] = []

    def begin(*words: str | Path, command: tuple[str, ...] = SAMEBITS, **options: Any) -> Started:
        mark = f"mark-{secrets.token_hex(8)}"
        ignored = options.pop("ignored", ())

        def prepare() -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # what started the tests may have it ignored
            for number in ignored:
                signal.signal(number, signal.SIG_IGN)

        process = subprocess.Popen(
            [*command, *(str(word) for word in words)],
            cwd=folder.path,
            env=folder.environment(SAMEBITS_TEST=mark),
            text=True,
            preexec_fn=prepare,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options,
        )
        everything.append(Started(process, mark))
        return everything[-1]

    yield begin
    for started in everything:
        started.process.kill()
        for pid in started.survivors():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        started.process.communicate()


def until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What ``condition`` gives, once that is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)
    return value


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(tmp_path)
    yield folder
    folder.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Folder]]:
    """Folders that the tests of a module share."""
    made: dict[str, Folder] = {}

    def get(name: str) -> Folder:
        if name not in made:
            made[name] = Folder(tmp_path_factory.mktemp(name))
        return made[name]

    yield get
    for folder in made.values():
        folder.close()
