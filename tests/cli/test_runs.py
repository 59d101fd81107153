"""`samebits runs`: what is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Answer

pytestmark = pytest.mark.usefixtures("folder")

Run = Callable[..., Answer]


def keep(out: Path, name: str, **changes: object) -> None:
    info = {
        "format": "samebits.run",
        "version": 1,
        "id": name,
        "created": "2025-01-02T03:04:05Z",
        "argv": ["train.py", "x"],
        "cwd": "/",
        "level": "op",
        "status": "finished",
        "exit_code": 0,
        "seconds": 1.0,
        "verify": None,
        "zoom": None,
    }
    (out / name).mkdir(parents=True)
    (out / name / "run.json").write_text(json.dumps(info | changes))


def test_none(samebits: Run) -> None:
    answer = samebits("runs")
    assert (answer.code, answer.out, answer.err) == (0, "", "no runs in .samebits\n")
    assert samebits("runs", "--json").out == "[]\n"


def test_newest_first(samebits: Run) -> None:
    keep(Path("kept"), "a1", created="2025-01-01T00:00:00Z")
    keep(Path("kept"), "b2", created="2025-01-02T00:00:00Z", status="failed")
    answer = samebits("runs", "--out", "kept")
    assert answer.code == 0
    assert [line.split()[0] for line in answer.out.splitlines()] == ["b2", "a1"]
    assert answer.out.splitlines()[0].split("  ")[2:] == ["op", "failed", "train.py x"]


def test_json(samebits: Run) -> None:
    keep(Path("kept"), "a1")
    (run,) = json.loads(samebits("runs", "--out", "kept", "--json").out)
    assert run["id"] == "a1"
    assert run["argv"] == ["train.py", "x"]


def test_hostile_text_is_shown_not_obeyed(samebits: Run) -> None:
    keep(Path("kept"), "a1", argv=["\x1b[2J\r\n[bold]x"], level="\x07")
    answer = samebits("runs", "--out", "kept")
    assert answer.code == 0
    assert "\x1b" not in answer.out
    assert "\x07" not in answer.out
    assert answer.out.count("\n") == 1


def test_bad_usage(samebits: Run) -> None:
    answer = samebits("runs", "--out", "train.py")
    assert answer.code == 2
    assert "'train.py' is not a folder" in answer.err
