"""Whoever compiles a program's code, it gives the same evidence, at the same lines."""

from __future__ import annotations

import ast
import builtins
import code
import doctest
import importlib.util
import os
import runpy
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

from samebits.model.facts import Detail
from samebits.model.sites import Site
from samebits.usercode import executed, loading, texts


class Seen:
    """The clocks that were read, and where."""

    def __init__(self) -> None:
        self.at: list[Site | None] = []

    def fact(self, detail: Detail, site: Site | None) -> None:
        if detail.kind == "clock":
            self.at.append(site)

    def not_observed(self, what: str) -> None:
        pass


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Seen]:
    for table in ("_codes", "_names", "_texts"):
        monkeypatch.setattr(texts, table, {})
    for table in ("_compiled", "_rewritten"):
        monkeypatch.setattr(executed, table, {})
    before = SourceFileLoader.__dict__.get("get_code"), runpy.__dict__["_get_code_from_file"]
    sink = Seen()
    uninstall = loading.install(sink)
    yield sink
    uninstall()
    assert (SourceFileLoader.__dict__.get("get_code"), runpy.__dict__["_get_code_from_file"]) == before
    assert "compile" not in vars(doctest)


TEXT = "import time\n\ndef now():\n    return time.time()\n\nnow()\n"


def _by_spec(path: Path) -> None:
    spec = importlib.util.spec_from_file_location("loaded_by_spec", path)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def _by_loader(path: Path) -> None:
    loader = SourceFileLoader("loaded_by_loader", str(path))
    loader.exec_module(ModuleType("loaded_by_loader"))


def _by_path(path: Path) -> None:
    runpy.run_path(str(path))


@pytest.mark.parametrize("load", [_by_spec, _by_loader, _by_path])
def test_a_file_however_it_is_loaded(seen: Seen, tmp_path: Path, load: Callable[[Path], None]) -> None:
    path = tmp_path / "mine.py"
    path.write_text(TEXT)
    load(path)
    assert seen.at == [Site(str(path), 4, "now")]
    assert not (tmp_path / "__pycache__").exists()


def test_a_loader_that_compiles_something_else_is_left_alone(seen: Seen, tmp_path: Path) -> None:
    class Other(SourceFileLoader):
        def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]
            return compile("value = 7", path, "exec")

    path = tmp_path / "mine.py"
    path.write_text(TEXT)
    module = ModuleType("other")
    Other("other", str(path)).exec_module(module)
    assert (module.__dict__["value"], seen.at) == (7, [])


def test_a_member_of_a_zip(seen: Seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "mine.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("zipped_module.py", TEXT)
        made.writestr("__main__.py", "import zipped_module\nzipped_module.now()\n")
    runpy.run_path(str(archive))
    sys.modules.pop("zipped_module").now()
    where = f"{archive}/zipped_module.py"
    assert seen.at == [Site(where, 4, "now")] * 3
    assert texts.text(where) == TEXT


def test_texts_that_the_program_executes(seen: Seen, tmp_path: Path) -> None:
    config = tmp_path / "config.txt"
    config.write_text("import time\nstarted = time.time()\n")
    script = tmp_path / "main.py"
    script.write_text(
        textwrap.dedent(f"""\
            import pathlib, time
            text = "import time\\n\\ndef now():\\n    return time.time()\\n"
            exec(text)
            now()
            value = eval("  time.time()")
            exec(text + "\\nnow()\\n")
            exec(compile("time.time()\\n", "<settings>", "exec"))
            exec(compile(pathlib.Path({str(config)!r}).read_text(), {str(config)!r}, "exec"))
            exec(text), now()
        """)
    )
    runpy.run_path(str(script))
    assert seen.at == [
        Site("<string>", 4, "now"),
        Site("<string 2>", 1),
        Site("<string 3>", 4, "now"),
        Site("<settings>", 1),
        Site(str(config), 2),
        Site("<string>", 4, "now"),
    ]
    assert texts.text("<settings>") == "time.time()\n"
    assert texts.text("<string 2>") == "time.time()"


def test_executing_is_what_it_was(seen: Seen, tmp_path: Path) -> None:
    """Scopes, flags, names, errors and what `compile` gives are as without us."""
    script = tmp_path / "main.py"
    script.write_text(
        textwrap.dedent("""\
            from __future__ import annotations
            import marshal, sys, traceback

            def inside():
                local = 3
                found = {"local": 4}
                exec("local + 1; frame = sys._getframe().f_code.co_filename", globals(), found)
                return eval("local * 2"), found["frame"]

            kept = compile("import time; time.time()", "<kept>", "exec")
            names = [] if "__samebits" in repr(kept.co_names) else ["plain"]
            exec("def annotated(x: not_a_name): pass")
            errors = []
            for wrong in ("1 +", "1 / 0"):
                try:
                    eval(wrong)
                except Exception as error:
                    errors.append((type(error).__name__, traceback.extract_tb(error.__traceback__)[-1].line))
            try:
                compile()
            except TypeError as error:
                errors.append(str(error))

            def shadowed():
                exec = str.upper
                return exec("text")
        """)
    )
    got = runpy.run_path(str(script))
    assert got["inside"]() == (6, "<string>")
    assert got["names"] == ["plain"]
    assert got["annotated"].__annotations__ == {"x": "not_a_name"}
    assert [each[0] for each in got["errors"][:2]] == ["SyntaxError", "ZeroDivisionError"]
    with pytest.raises(TypeError) as plain:
        compile()  # type: ignore[call-overload]
    assert got["errors"][2] == str(plain.value)
    assert got["shadowed"]() == "TEXT"


def test_only_so_many_texts_are_rewritten(
    seen: Seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executed, "_MOST", 2)
    script = tmp_path / "main.py"
    script.write_text("import time\ntotal = sum(eval(f'time.time() * 0 + {n}') for n in range(4))\n")
    assert runpy.run_path(str(script))["total"] == 6
    assert len(seen.at) == 2


def test_examples_are_where_they_stand(seen: Seen, tmp_path: Path) -> None:
    path = tmp_path / "documented.py"
    path.write_text(
        'import time\n\ndef f():\n    """It does.\n\n    >>> import time\n    >>> for _ in range(2):\n'
        '    ...     now = time.time()\n    >>> f()\n    """\n'
    )
    module = ModuleType("documented")
    module.__file__ = str(path)
    SourceFileLoader("documented", str(path)).exec_module(module)
    assert doctest.testmod(module).failed == 0
    assert seen.at == [Site(str(path), 8)] * 2
    guide = tmp_path / "guide.txt"
    guide.write_text("A guide\n\n>>> import time\n>>> now = time.time()\n")
    assert doctest.testfile(str(guide), module_relative=False).failed == 0
    assert seen.at[2:] == [Site(str(guide), 4)]


def test_what_is_typed(seen: Seen) -> None:
    console = code.InteractiveInterpreter({})
    assert not console.runsource("import time", "<typed>")
    assert not console.runsource("now = time.time()", "<typed>")
    assert console.runsource("for each in [1]:", "<typed>"), "more is wanted"
    assert seen.at == [Site("<typed>", 1)]


TESTS = """\
import time

def now(unused):
    return time.time()

def test_it():
    assert now(0) > 0, (
        "it is later"
    )
    started = time.time()
    assert started == 1
"""

OBSERVED = """\
import sys
import pytest
from samebits.usercode import loading

class Sink:
    def fact(self, detail, site):
        print("FACT", detail.kind, site)
    def not_observed(self, what):
        pass

if sys.argv[1] == "observed":
    loading.install(Sink())
sys.exit(pytest.main(["-q", "-s", "-p", "no:cacheprovider", "test_mine.py"]))
"""


def test_tests_whose_assertions_pytest_rewrites(tmp_path: Path) -> None:
    """pytest's messages stay, and its cache holds what pytest makes, whoever ran first."""
    (tmp_path / "test_mine.py").write_text(TESTS)
    (tmp_path / "run.py").write_text(OBSERVED)
    source = os.path.dirname(os.path.dirname(os.path.dirname(loading.__file__)))
    environment = {**os.environ, "PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": ""}

    def run(mode: str) -> tuple[str, bytes]:
        done = subprocess.run(
            [sys.executable, "run.py", mode],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "1 failed" in done.stdout, done.stdout + done.stderr
        assert "E       assert " in done.stdout
        assert " == 1" in done.stdout
        assert "samebits" not in done.stdout
        [cached] = (tmp_path / "__pycache__").glob("test_mine*pytest*.pyc")
        return done.stdout, cached.read_bytes()

    first, made_while_observed = run("observed")
    facts = [line for line in first.splitlines() if line.startswith("FACT clock")]
    assert facts == ["FACT clock test_mine.py:4", "FACT clock test_mine.py:10"]
    plain, _ = run("plain")
    assert "FACT" not in plain
    again, cached = run("observed")
    assert [line for line in again.splitlines() if line.startswith("FACT clock")] == facts
    assert cached == made_while_observed
    assert b"__samebits" not in cached


def test_a_tree_that_is_compiled_is_not_changed(seen: Seen) -> None:
    tree = ast.parse("import time\nnow = time.time()\n")
    before = ast.dump(tree)
    exec(code.compile_command.__globals__["compile"](tree, "<typed>", "exec", 0, True), {})
    assert ast.dump(tree) == before
    assert seen.at == [Site("<typed>", 2)]
    assert builtins.compile is compile
