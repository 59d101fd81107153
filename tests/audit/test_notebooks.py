"""A notebook's file: what of it changes when lines of its cells do, and where these lines stand in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from samebits.audit import audit_paths
from samebits.audit.notebooks import Notebook, NotKept

CODE = {"cell_type": "code", "outputs": [{"text": ["a = 1\n"]}]}
DOCUMENT = {
    "metadata": {"source": "x"},
    "cells": [
        {"cell_type": "markdown", "source": ["a = 1\n"]},
        {**CODE, "source": ["a = 1\n", "b = 2"]},
        {**CODE, "source": "c = 3\nd = '\u00e9'\n"},
        {**CODE, "source": []},
    ],
}


@pytest.mark.parametrize("indent", [None, 1, 4, "\t"])
@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lines_change_and_nothing_else(indent: int | str | None, escaped: bool, mark: str) -> None:
    def written(document: object) -> bytes:
        return (mark + json.dumps(document, indent=indent, ensure_ascii=escaped) + "\n").encode()

    new = json.loads(json.dumps(DOCUMENT))
    new["cells"][1]["source"] = ["a = 1\n", "x = 2\n", "y = 2"]
    new["cells"][2]["source"] = "c = 3\nd = '\u00e9'\nz = 4\n"
    notebook = Notebook.of(written(DOCUMENT))
    assert notebook.lines(2) == ["c = 3", "d = '\u00e9'", ""]
    changes = {(1, 2): ["x = 2", "y = 2"], (2, 2): ["d = '\u00e9'", "z = 4"]}
    assert notebook.changed(changes) == written(new)
    assert notebook.changed({}) == written(DOCUMENT)


def test_line_ends_of_a_cell_stay() -> None:
    data = json.dumps({"cells": [{"source": ["a\r\n", "b\r\n"]}, {"source": "a\r\nb"}]}).encode()
    new = json.loads(Notebook.of(data).changed({(1, 2): ["x", "y"], (2, 1): ["x", "y"]}))
    assert [cell["source"] for cell in new["cells"]] == [["a\r\n", "x\r\n", "y\r\n"], "x\r\ny\r\nb"]


def test_the_older_format() -> None:
    data = b'{"worksheets": [{"cells": [{"cell_type": "code", "input": ["a\\n", "b"]}]}]}'
    assert Notebook.of(data).changed({(1, 1): ["c"]}) == data.replace(b'"a', b'"c')


def test_where_a_line_stands() -> None:
    notebook = Notebook.of(json.dumps(DOCUMENT, indent=1).encode())
    lines = notebook.text.split("\n")
    assert "b = 2" in lines[notebook.file_line(1, 2) - 1]
    assert "c = 3" in lines[notebook.file_line(2, 2) - 1]
    assert (notebook.file_line(3, 1), notebook.file_line(9, 1)) == (1, 1)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"cells": 3}', b"\xff", b'{"cells": [', "{}".encode("utf-16"), b"[" * 9999]
)
def test_what_is_no_notebook(data: bytes) -> None:
    with pytest.raises(NotKept, match="cannot be read as a notebook"):
        Notebook.of(data)


def test_a_cell_that_is_not_kept_line_by_line() -> None:
    notebook = Notebook.of(b'{"cells": [{"source": ["a\\nb\\n", "c"]}]}')
    with pytest.raises(NotKept, match="line by line"):
        notebook.changed({(1, 1): ["x"]})


def test_a_cell_that_is_no_python_is_named(tmp_path: Path) -> None:
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": [{"source": "a = 1"}, {"source": "b\nx = ("}]}))
    (unread,) = audit_paths([tmp_path], cache=False).unread
    assert (unread.line, unread.why) == (2, "not Python: '(' was never closed (cell 2)")
