"""The rooms below the command line, replaced: these tests look at words and exit codes alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from samebits import launch, report
from samebits.cli.main import main
from samebits.launch import Program


@dataclass
class Verdict:
    verdict: str = "same"
    exit_status: int = 0
    runs: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {"format": "samebits.verdict", "verdict": self.verdict}


def recorded(status: str, code: int | None, **more: Any) -> SimpleNamespace:
    """A run, as far as the command line looks at it."""
    return SimpleNamespace(
        id="r1",
        info={"status": status, "exit_code": code, **more},
        records={},
        sizes={},
        unmade=(),
        path=Path("r1"),
    )


@dataclass
class Below:
    """What the command line called, and what it is answered."""

    calls: list[tuple[str, Program, dict[str, Any]]] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    run: SimpleNamespace = field(default_factory=lambda: recorded("finished", 0))
    detail: str = ""
    during: Callable[[], None] = lambda: None  # what happens while the program runs

    def verify(self, program: Program, **options: Any) -> Verdict:
        self.calls.append(("verify", program, options))
        self.during()
        return self.verdict

    def record(self, program: Program, **options: Any) -> SimpleNamespace:
        self.calls.append(("record", program, options))
        self.during()
        return self.run

    def print_verdict(self, verdict: Verdict, console: Any, *, detail: str) -> None:
        self.detail = detail
        console.print(f"verdict: {verdict.verdict}")

    @property
    def program(self) -> Program:
        return self.calls[-1][1]

    @property
    def options(self) -> dict[str, Any]:
        return self.calls[-1][2]


@dataclass
class Answer:
    code: int
    out: str
    err: str


@pytest.fixture
def below(monkeypatch: pytest.MonkeyPatch) -> Below:
    rooms = Below()
    monkeypatch.setattr(launch, "verify", rooms.verify)
    monkeypatch.setattr(launch, "record", rooms.record)
    monkeypatch.setattr(report, "print_verdict", rooms.print_verdict)
    return rooms


@pytest.fixture
def samebits(capfd: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Run the command line in this process; everything that reaches the two streams is captured."""

    def run(*words: str) -> Answer:
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main(list(words))
        captured = capfd.readouterr()
        assert isinstance(left.value.code, int)
        return Answer(left.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a script in it, and we are in it."""
    (tmp_path / "train.py").write_text("print('hello')\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path
