"""The document of an audit: what its schema says, and which edits each finding has by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from samebits.causes._edits import applied

from .results import result

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/reference/audit.schema.json").read_text("utf-8"))

pytestmark = pytest.mark.usefixtures("planted")


def document() -> Any:
    found = json.loads(json.dumps(result().as_json()))
    Draft202012Validator(SCHEMA).validate(found)
    return found


def test_the_schema_is_one_and_names_all_keys() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert sorted(document()) == sorted(SCHEMA["required"]) == sorted(SCHEMA["properties"])


def test_findings() -> None:
    Path("a.py").write_text("import os\nx = os.listdir(os.listdir(\n  a)[0]), needs()\nby_hand()\n")
    Path("b.py").write_text("x = (\n")
    Path("c.py").write_text("1  # samebits: ignore[number, listing]\n")
    found = document()
    assert (found["files"], found["lines"]) == (2, 7)
    rows = [
        (one["rule"], one["line"], one["column"], one["end_line"], one["safe"]) for one in found["findings"]
    ]
    assert rows == [
        ("listing", 2, 5, 3, True),
        ("listing", 2, 16, 3, True),
        ("needs-import", 3, 11, 3, True),
        ("by-hand", 4, 1, 4, False),
    ]
    assert found["findings"][3]["places"] == [
        {"file": "a.py", "cell": None, "line": 2, "what": "the first call"}
    ]
    assert found["errors"] == [
        {"file": "b.py", "cell": None, "line": 1, "why": "not Python: '(' was never closed"}
    ]
    assert found["unused_ignores"] == [
        {"file": "c.py", "cell": None, "line": 1, "names": ["listing", "number"]}
    ]


def test_the_edits_of_a_finding_mend_it_alone() -> None:
    text = "import os\nx = os.listdir(a), os.listdir(\n  b), needs()\n"
    Path("a.py").write_text(text)
    of = result()
    new = [applied(text, edits) for edits in of.edits]
    assert new == [
        text.replace("os.listdir(a)", "sorted(os.listdir(a))"),
        text.replace("os.listdir(\n  b)", "sorted(os.listdir(\n  b))"),
        text.replace("needs()", "zlib.crc32(b'')").replace("import os\n", "import zlib\nimport os\n"),
    ]
    assert of.mendable == (3, 0)


def test_a_notebook_has_cells() -> None:
    cells = [
        {"source": "import os\nx = 1"},
        {"source": "y = 2\nos.listdir(a)\n1  # samebits: ignore[number]"},
    ]
    Path("n.ipynb").write_text(json.dumps({"cells": cells}))
    found = document()
    (one,) = found["findings"]
    assert (one["file"], one["cell"], one["line"], one["end_line"]) == ("n.ipynb", 2, 2, 2)
    assert one["edits"] == [{"file": "n.ipynb", "cell": 2, "line": 2, "replacement": "sorted(os.listdir(a))"}]
    assert found["unused_ignores"] == [{"file": "n.ipynb", "cell": 2, "line": 3, "names": ["number"]}]


def test_exit_status() -> None:
    assert result().exit_status == 0
    Path("a.py").write_text("number()\n")
    assert result().exit_status == 1
    Path("b.py").write_text("x = (\n")
    assert result().exit_status == 2
