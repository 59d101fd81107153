"""A notebook's file: what of it changes when lines of its cells do, and where these lines stand in it."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from samebits import UsageError
from samebits.audit import audit_file, audit_paths
from samebits.audit.notebooks import Notebook, NotKept
from samebits.audit.reading import plain_lines
from samebits.audit.wording import with_cells

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


FAULT = "import random\nrandom.random()"


def test_a_cell_that_is_no_python_is_left_out_and_named(tmp_path: Path) -> None:
    cells = [{"source": "a = 1"}, {"source": "b  # samebits: ignore\nx = ("}, {"source": f"{FAULT}\n"}]
    (tmp_path / "n.ipynb").write_text(json.dumps({"cells": [*cells, {"source": ")"}, {"source": "\0"}]}))
    audit = audit_paths([tmp_path], cache=False)
    assert [(one.cell, one.line) for one in audit.unread] == [(2, 2), (4, 1), (5, 1)]
    assert str(audit.unread[0]) == f"cell 2 of {tmp_path / 'n.ipynb'}, line 2"
    assert audit.unread[0].why == "not Python: '(' was never closed"
    (found,) = audit.findings
    assert (str(found.site), audit.files, audit.unused) == (
        f"cell 3 of {tmp_path / 'n.ipynb'}, line 2:1",
        1,
        (),
    )
    with pytest.raises(UsageError, match=r"cell 2 of .*n\.ipynb, line 2 is not Python"):
        audit_file(tmp_path / "n.ipynb")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[", "it is not JSON"),
        ("{}", "it has no list of cells"),
        ('{"cells": {"a": 1}}', "it has no list of cells"),
        ('{"cells": [null]}', "its list of cells holds something else"),
        ('{"cells": [{"source": 5}]}', "its list of cells holds something else"),
    ],
)
def test_why_a_file_is_no_notebook(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "n.ipynb").write_text(text)
    (unread,) = audit_paths([tmp_path], cache=False).unread
    assert unread.why == f"is not a notebook: {what}"


def test_texts_name_lines_of_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    texts = ["import random\n", "data = [1, 2]\nrandom.shuffle(data)\n", "\nrandom.seed(1)\n"]
    Path("n.ipynb").write_text(json.dumps({"cells": [{"source": text} for text in texts]}))
    (found,) = audit_paths(["."], cache=False).findings
    assert found.cause == "late-seed"
    assert found.why == "shuffle() draws from Python's random before cell 3, line 2 seeds it."


def test_sentences_with_cells() -> None:
    notebooks = {"a/n.ipynb": (1, 4), "m.ipynb": (1, 3)}
    text = "line 5, after n.ipynb:5 and m.ipynb:3, other.ipynb:3, a.py:3."
    assert with_cells(text, "a/n.ipynb", notebooks) == (
        "cell 2, line 2, after cell 2, line 2 and cell 2 of m.ipynb, line 1, other.ipynb:3, a.py:3."
    )
    assert with_cells("line 5, m.ipynb:4", "a.py", notebooks) == "line 5, cell 2 of m.ipynb, line 2"


def test_what_a_shell_or_a_magic_gives_is_a_variable() -> None:
    cell = (
        "files = !ls data\nhere, there = %pwd\nfor i in files:\n    !echo {i}\n    %time f(i)\nx = a != b\n"
    )
    lines = plain_lines(cell)
    ast.parse("\n".join(lines))
    assert [line.partition("  # ")[0] for line in lines[:2]] == ["files = None", "here, there = None"]
    assert lines[5] == "x = a != b"
