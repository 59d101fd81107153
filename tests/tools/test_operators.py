"""The generated table of operations is what the files of ops declare; what is wrong in them is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from samebits.model.operators import OPERATIONS
from samebits.ops import histogram
from samebits.ops.cases import CASES
from tools import operators


def test_the_table_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert operators.main(["--check"]) == 0, capsys.readouterr().err
    assert tuple(operators.declared()) == OPERATIONS


def test_it_is_written_where_a_row_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "operators.json"
    table.write_text(operators.GENERATED.read_text())
    monkeypatch.setattr(operators, "GENERATED", table)
    new = replace(histogram.REPLACES[0], until="3.0")
    monkeypatch.setattr(histogram, "REPLACES", (new, *histogram.REPLACES[1:]))
    assert operators.main(["--check"]) == 1
    assert "run python -m tools.operators" in capsys.readouterr().err
    assert operators.main([]) == 0
    (row,) = (row for row in json.loads(table.read_text())["operations"] if row["schema"] == new.schema)
    assert (row["until"], row["file"]) == ("3.0", "histogram")


ROW, CASE = histogram.REPLACES[0], histogram.CASES[0]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("REPLACES", (replace(ROW, schema="aten::gone"),), "declares aten::gone and has no function gone"),
        ("REPLACES", (*histogram.REPLACES, ROW), "aten::bincount is declared in ops/histogram.py and in"),
        ("CASES", (replace(CASE, schemas=("aten::put_",)),), "of aten::put_, but no row of that name"),
    ],
)
def test_a_wrong_declaration(monkeypatch: pytest.MonkeyPatch, name: str, value: Any, says: str) -> None:
    monkeypatch.setattr(histogram, name, value)
    with pytest.raises(ValueError, match=says):
        list(operators.declared())


def test_no_two_cases_have_one_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
