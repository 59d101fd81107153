"""Whole programs, run plainly and under `samebits`, in a folder of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
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
