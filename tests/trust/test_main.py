"""How the parts come together: rows, the exit code, the results of other days."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
from benchmarks.trust import __main__ as trust
from benchmarks.trust import rows
from benchmarks.trust.rows import Row


def part(monkeypatch: pytest.MonkeyPatch, found: list[Row]) -> None:
    """Let the part "cuts" find this."""
    module = ModuleType("benchmarks.trust.cuts")
    module.run = lambda count, seed, folder: found  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(trust, "there", lambda name: name == "cuts")


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ([Row("a", 3, 0)], 0),
        ([Row("a", 3, 0), Row("b", 2, 1, "why")], 1),
        ([], 1),
        ([Row("a: not tried", 0, 0, "needs root")], 1),
    ],
)
def test_the_exit_code_says_whether_anything_was_wrong(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    found: list[Row],
    code: int,
) -> None:
    part(monkeypatch, found)
    assert trust.main(["cuts", "--count", "3", "--json", "--folder", str(tmp_path)]) == code
    shown = json.loads(capsys.readouterr().out)
    assert [row["what"] for row in shown] == [row.what for row in found] or not found


def test_a_part_that_raises_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    part(monkeypatch, [])
    monkeypatch.setattr(sys.modules["benchmarks.trust.cuts"], "run", lambda *_: 1 / 0)
    assert trust.main(["cuts", "--count", "3", "--folder", str(tmp_path)]) == 1


def test_an_unknown_part_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        trust.main(["cut"])
    assert caught.value.code == 2
    assert "there is no part 'cut'; the parts are cuts, " in capsys.readouterr().err


def test_results_of_other_parts_stay(tmp_path: Path) -> None:
    path = tmp_path / "trust.csv"
    trust.publish({"cuts": [Row("a", 3, 1, "old")], "kills": [Row("k", 9, 0, "two\nlines")]}, path)
    trust.publish({"cuts": [Row("a", 4, 0, "new")]}, path)
    with open(path, newline="") as file:
        found = [(row["part"], row["tried"], row["wrong"], row["detail"]) for row in csv.DictReader(file)]
    assert found == [("kills", "9", "0", "two\nlines"), ("cuts", "4", "0", "new")]


def test_a_part_alone_ends_as_all_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert rows.main(lambda count, seed, folder: [Row("a", 1, 0)], "about", []) == 0
    assert rows.main(lambda count, seed, folder: [Row("a", 1, 1, "why")], "about", []) == 1
    assert "why" in capsys.readouterr().out
