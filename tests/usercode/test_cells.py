"""A cell of a notebook is called by its number, whatever its file name in this process."""

from __future__ import annotations

import ast
import codeop
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from samebits.model.facts import Detail
from samebits.model.sites import Site, at
from samebits.usercode import cells, loading, texts


class CachingCompiler(codeop.Compile):
    """IPython's, as far as cells go; file names are those of a kernel: a process's own."""

    def cache(self, transformed_code: str, number: int = 0, raw_code: str | None = None) -> str:
        return f"/tmp/ipykernel_4711/{abs(hash(raw_code or transformed_code))}.py"


class Shell:
    """IPython's shell, as far as it compiles and runs."""

    def __init__(self) -> None:
        self.compile = CachingCompiler()
        self.user_ns: dict[str, Any] = {"get_ipython": lambda: self}
        self.count = 0

    def run_cell(self, text: str, store_history: bool = True) -> None:
        self.count += store_history
        self.run_cell_async(text, store_history)

    def run_cell_async(self, raw_cell: str, store_history: bool) -> None:
        code = raw_cell
        if raw_cell.startswith("%%"):
            magic, _, body = raw_cell.partition("\n")
            code = f"get_ipython().run_cell_magic({magic[2:]!r}, {body!r})"
        name = self.compile.cache(code, self.count, raw_code=raw_cell)
        for node in ast.parse(code, name).body:
            exec(self.compile(ast.Module([node], []), name, "exec"), self.user_ns)

    def run_cell_magic(self, magic: str, body: str) -> None:
        if magic == "capture":
            self.run_cell(body, store_history=False)
        else:
            exec(self.compile(ast.parse(body), "<timed exec>", "exec"), self.user_ns)

    def time(self, text: str) -> None:
        exec(self.compile(ast.parse(text), "<timed exec>", "exec"), self.user_ns)

    def safe_execfile_ipy(self, fname: str, notebook: list[str]) -> None:
        for text in notebook:
            self.run_cell(text, store_history=False)


class Seen:
    def __init__(self) -> None:
        self.at: list[str] = []

    def fact(self, detail: Detail, site: Site | None) -> None:
        if detail.kind == "clock":
            self.at.append(str(site))

    def not_observed(self, what: str) -> None:
        pass


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Seen]:
    for table in ("_codes", "_names", "_texts"):
        monkeypatch.setattr(texts, table, {})
    monkeypatch.setattr(cells, "_counts", {})
    monkeypatch.setattr(cells, "_unnumbered", 0)
    compilerop: Any = ModuleType("IPython.core.compilerop")
    compilerop.CachingCompiler = CachingCompiler
    monkeypatch.setitem(sys.modules, "IPython.core.compilerop", compilerop)
    original = CachingCompiler.cache
    sink = Seen()
    uninstall = loading.install(sink)
    yield sink
    uninstall()
    assert CachingCompiler.cache is original


def test_cells_are_called_by_their_numbers(seen: Seen) -> None:
    shell = Shell()
    shell.run_cell("import time\n\ndef now():\n    return time.time()")
    shell.run_cell("x = 1\nnow()\ntime.time()")
    assert seen.at == ["cell 1, line 4", "cell 2, line 3"]
    assert texts.text("cell 2") == "x = 1\nnow()\ntime.time()"


def test_equal_cells_are_two(seen: Seen) -> None:
    shell = Shell()
    shell.run_cell("import time")
    shell.run_cell("time.time()")
    shell.run_cell("time.time()")
    assert seen.at == ["cell 2, line 1", "cell 3, line 1"]


def test_what_a_magic_compiles_is_where_it_stands_in_its_cell(seen: Seen) -> None:
    shell = Shell()
    shell.run_cell("%%time\nimport time\ntime.time()")
    shell.run_cell("%%capture\nx = 1\ntime.time()\n")
    shell.run_cell("x = 2\n\nget_ipython().time('time.time()')")
    assert seen.at == ["cell 1, line 3", "cell 2, line 3", "cell 3, line 3"]
    assert texts.text("cell 2") == "%%capture\nx = 1\ntime.time()\n"


def test_cells_of_a_notebook_that_another_runs_are_counted(seen: Seen) -> None:
    shell = Shell()
    shell.run_cell("import time")
    shell.safe_execfile_ipy("/home/mine/other.ipynb", ["x = 1", "time.time()"])
    shell.safe_execfile_ipy("/home/mine/other.ipynb", ["x = 1", "time.time()"])
    shell.run_cell("time.time()")
    assert seen.at == ["cell 2 of other.ipynb, line 1"] * 2 + ["cell 2, line 1"]


def test_a_cell_without_a_number_takes_none(seen: Seen) -> None:
    shell = Shell()
    shell.run_cell("import time")
    shell.run_cell("time.time()", store_history=False)
    shell.run_cell("x = time.time()")
    assert seen.at == ["<unnumbered cell 1>:1", "cell 2, line 1"]
    assert texts.text("cell 2") == "x = time.time()"


def test_places_in_words() -> None:
    assert at("train.py", 3) == "train.py:3"
    assert at("cell 3", None) == "cell 3"
    assert at("cell 3", 5) == "cell 3, line 5"
    assert at("cell 3 of a.ipynb", 5) == "cell 3 of a.ipynb, line 5"
    assert at("cell 3.py", 5) == "cell 3.py:5"
