"""Small programs for which a verdict, or what was left on the disk, was once wrong."""

from __future__ import annotations

import itertools
import json
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest

_SCHEDULE = """\
import torch
torch.manual_seed(0); torch.set_num_threads(1)
m = torch.nn.Sequential(*[torch.nn.Linear(64, 64) for _ in range(12)])
o = torch.optim.SGD(m.parameters(), lr=1e-3)
for i in range(80):
    (m(torch.randn(64, 64)) ** 2).mean().backward(); o.step(); o.zero_grad()
"""
_CACHE = """\
import os, torch
seed = 1 if os.path.exists("cache.txt") else 0
torch.manual_seed(seed)
open("cache.txt", "w").write("x")
m = torch.nn.Linear(4, 1); o = torch.optim.SGD(m.parameters(), lr=.1)
for i in range(3): m(torch.randn(8, 4)).sum().backward(); o.step()
"""


def _compared(folder: Any) -> list[dict[str, Any]]:
    ids = [run.id for run in folder.runs()]
    found = []
    for a, b in itertools.combinations(ids, 2):
        ended = folder.samebits("compare", a, b, "--json", "-")
        found.append(json.loads(ended.out))
    return found


@pytest.mark.parametrize("records", [2, pytest.param(3, marks=pytest.mark.deep)])
def test_each_record_chose_its_own_reading_schedule(folder: Any, records: int) -> None:
    folder.write("train.py", _SCHEDULE)
    for _ in range(records):
        assert folder.samebits("record", "--level", "step", "train.py").code == 0
    for verdict in _compared(folder):
        assert (verdict["verdict"], verdict["steps"]) == ("same", 80)
        assert verdict["events"] > 80 + 24


@pytest.mark.parametrize(
    "recorded",
    [
        (("step", "native"), ("op", "python")),
        pytest.param(
            (("step", "native"), ("op", "native"), ("op", "python"), ("step", "python")),
            marks=pytest.mark.deep,
        ),
    ],
    ids=len,
)
def test_records_of_other_levels_and_observers(folder: Any, recorded: tuple[tuple[str, str], ...]) -> None:
    folder.write("train.py", _SCHEDULE.replace("80", "6"))
    for level, observer in recorded:
        ended = folder.samebits("record", "--level", level, "train.py", SAMEBITS_OBSERVER=observer)
        assert ended.code == 0, ended.err
    for verdict in _compared(folder):
        assert verdict["verdict"] == "same", verdict
        assert verdict["events"] >= 6 + 24  # the losses, and the last reading of every parameter
        assert "The first was recorded" in verdict["compared"] or verdict["operations"] == 0


def test_what_the_first_run_left_is_named_and_nothing_is_touched(folder: Any) -> None:
    """While it is verified somebody else works in the folder: writes a log, edits, makes a file."""
    folder.write("train.py", _CACHE)
    notes, log = folder.write("notes.txt", "a"), folder.path / "foreign.log"
    (folder.path / "model").mkdir()
    kept = folder.write("model/weights.bin", "w")
    before = {path: (path.stat().st_ino, path.read_bytes()) for path in (kept, folder.path / "train.py")}
    stop, lines = threading.Event(), 0

    def work() -> None:
        nonlocal lines
        with open(log, "a", encoding="utf-8") as file:
            while not stop.is_set():
                file.write(f"{lines}\n")
                file.flush()
                lines += 1
                notes.write_text(f"text {lines}")
                time.sleep(0.02)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        ended = folder.samebits("verify", "--json", "-", "train.py")
    finally:
        stop.set()
        thread.join()
    assert ended.out, ended.err
    verdict = json.loads(ended.out)
    assert (ended.code, verdict["verdict"]) == (1, "diverged"), ended.err
    assert (verdict["causes"][0]["name"], verdict["causes"][0]["line"]) == ("left-behind", 2)
    assert "the first run wrote cache.txt" in verdict["causes"][0]["why"]
    assert log.read_text().splitlines() == [str(n) for n in range(lines)]
    assert notes.read_text() == f"text {lines}"
    assert {path: (path.stat().st_ino, path.read_bytes()) for path in before} == before
    names = {path.name for path in folder.path.iterdir()} - {"__pycache__"}
    assert names == {".samebits", "train.py", "notes.txt", "foreign.log", "model", "cache.txt"}


@pytest.fixture(scope="module")
def whole(shared: Any) -> Path:
    """A run's folder, whole."""
    folder = shared("whole")
    folder.write("train.py", _SCHEDULE.replace("80", "3"))
    assert folder.samebits("record", "train.py").code == 0
    path = Path(folder.last().path)
    folder.close()
    return path


@pytest.mark.parametrize("how", ["empty", "gone", "launcher"])
def test_a_run_that_lost_its_record_is_never_the_same(folder: Any, whole: Path, how: str) -> None:
    hurt = folder.path / "hurt"
    shutil.copytree(whole, hurt)
    same = folder.samebits("compare", whole, hurt)
    assert (same.code, same.out.partition(" ")[0]) == (0, "SAME"), same.out
    _hurt(hurt, how)
    for words in ((whole, hurt), (hurt, whole)):
        ended = folder.samebits("compare", *words)
        assert ended.code == 2, ended.out
        assert "SAME" not in ended.out
        assert "Traceback" not in ended.err


def _hurt(run: Path, how: str) -> None:
    if how == "empty":
        (run / "main.db").write_bytes(b"")
    elif how == "gone":
        (run / "main.db").unlink()
    else:
        info = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps(info | {"status": "running"}))
