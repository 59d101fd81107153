"""SARIF: valid by the official schema, and with what a service needs to show a finding."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from samebits.audit.result import AuditResult

from .results import result

SCHEMA = Draft4Validator(
    json.loads((Path(__file__).parent / "sarif" / "sarif-schema-2.1.0.json").read_text("utf-8"))
)

pytestmark = pytest.mark.usefixtures("planted")


def log(of: AuditResult) -> Any:
    from samebits.audit.sarif import sarif

    document = json.loads(json.dumps(sarif(of)))
    assert [error.message for error in SCHEMA.iter_errors(document)] == []
    return document["runs"][0]


def test_nothing() -> None:
    run = log(result())
    assert (run["results"], run["invocations"][0]["executionSuccessful"]) == ([], True)


def test_all_that_there_is() -> None:
    Path("a b.py").write_text("import os\né = os.listdir(\n  d)\nnumber(1)\n1  # samebits: ignore[listing]\n")
    Path("c.py").write_text("x = (\n")
    Path("d.py").write_text("f()\n\nby_hand()\n")
    run = log(result())
    rules = run["tool"]["driver"]["rules"]
    assert "unasked" not in [rule["id"] for rule in rules]
    for one in run["results"]:
        assert rules[one["ruleIndex"]]["id"] == one["ruleId"]
    listing, _, by_hand, unused = run["results"]
    assert [one["level"] for one in run["results"]] == ["error", "warning", "error", "note"]
    where = listing["locations"][0]["physicalLocation"]
    assert where["artifactLocation"] == {"uri": "a%20b.py", "uriBaseId": "%SRCROOT%"}
    assert where["region"] == {"startLine": 2, "startColumn": 5, "endLine": 3, "endColumn": 5}
    (change,) = listing["fixes"][0]["artifactChanges"]
    assert [row["insertedContent"]["text"] for row in change["replacements"]] == [
        "é = sorted(os.listdir(",
        "  d))",
    ]
    assert change["replacements"][1]["deletedRegion"] == {
        "startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 5,
    }  # fmt: skip
    assert by_hand["relatedLocations"][0]["message"]["text"] == "the first call"
    assert "fixes" not in by_hand
    assert unused["locations"][0]["physicalLocation"]["region"] == {"startLine": 5}
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert (note["level"], run["invocations"][0]["executionSuccessful"]) == ("error", False)


def test_fingerprints_do_not_hang_on_line_numbers() -> None:
    def prints() -> list[str]:
        return [one["partialFingerprints"]["primaryLocationLineHash"] for one in log(result())["results"]]

    Path("a.py").write_text("import os\nos.listdir(a)\nos.listdir(b)\nos.listdir(a)\n")
    before = prints()
    assert [one.rpartition(":")[2] for one in before] == ["1", "1", "2"]
    assert len(set(before)) == 3
    Path("a.py").write_text("import os\n\n\nos.listdir(a)\nos.listdir(b)\nos.listdir(a)\n")
    assert prints() == before


def test_a_notebook_has_the_lines_of_its_file() -> None:
    document = {"cells": [{"source": ["import os\n", "os.listdir(a)  # samebits: ignore[number]"]}]}
    Path("n.ipynb").write_text(json.dumps(document, indent=1))
    found, unused = log(result())["results"]
    line = next(
        number for number, text in enumerate(Path("n.ipynb").read_text().split("\n"), 1) if "listdir" in text
    )
    for one in (found, unused):
        assert one["locations"][0]["physicalLocation"]["region"]["startLine"] == line
    assert "fixes" not in found


def test_files_elsewhere_are_named_whole(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import os\nos.listdir(a)\n")
    (one,) = log(result(str(tmp_path / "a.py")))["results"]
    assert one["locations"][0]["physicalLocation"]["artifactLocation"] == {
        "uri": (tmp_path / "a.py").as_uri()
    }


def test_a_name_that_is_no_text() -> None:
    Path(os.fsdecode(b"a\xff.py")).write_text("number()\nx = (\n")
    Path(os.fsdecode(b"b\xff.py")).write_text("number()\n")
    run = log(result())
    assert "b%FF.py" in json.dumps(run["results"])
    assert "a%FF.py" in json.dumps(run["invocations"])
