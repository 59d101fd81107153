"""One mechanism each: what one file of the package does, no other does (docs/architecture.md)."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

import samebits

ROOT = Path(samebits.__file__).parent
FILES = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in sorted(ROOT.rglob("*.py"))}


@cache
def code(name: str) -> str:
    """A file without its comments and docstrings."""
    tree = ast.parse(FILES[name])
    for node in ast.walk(tree):
        match node:
            case (
                ast.Module(body=[ast.Expr(ast.Constant(str())), *_])
                | ast.ClassDef(body=[ast.Expr(ast.Constant(str())), *_])
                | ast.FunctionDef(body=[ast.Expr(ast.Constant(str())), *_])
            ):
                node.body[0] = ast.Pass()
    return ast.unparse(tree)


#: What only one file may contain, and which.
ALONE = {
    "the finder": (r"\bsys\.meta_path\b", "_runtime/imports.py"),
    "whose line a warning names": (r"\bwarnings\.warn\(", "_runtime/warn.py"),
    "fork handlers": (r"\bregister_at_fork\b|\bregister_after_fork\b", "_runtime/forks.py"),
    "the rewriting pass": (r"\bast\.NodeTransformer\b", "usercode/rewriting.py"),
    "the compilers": (r"'-shared'|'CXX'", "_runtime/native.py"),
    "what a folder of installed packages is called": (r"'site-packages'", "model/sites.py"),
    "draws at the generator": (r"'draws\.cpp'", "usercode/native_half.py"),
    "clocks that libraries read": (r"\bdatetime\.__dict__", "usercode/library_readings.py"),
    "who compiles a program's code": (r"'_pytest\.assertion", "usercode/loaders.py"),
    "texts that user code executes": (r"\bbuiltins\.exec\b", "usercode/executed.py"),
    "the key of a record": (r"'SAMEBITS_PROCESS'", "observe/record_key.py"),
    "how long operations are recorded": (r"\.timed\(", "observe/opening.py"),
    "what torch compiles": (r"\bCompiledFxGraph\b", "observe/regions.py"),
    "changes of a program's source": (r"\bEdit\(", "causes/_edits.py"),
    "arguments that make a call repeat": (r"\bRandomizedSearchCV\b", "causes/_libraries.py"),
    "nondeterministic operators": (r"'embedding_dense_backward'", "model/operators.py"),
}


@pytest.mark.parametrize("what", ALONE)
def test_one_file_alone_does_it(what: str) -> None:
    pattern, home = ALONE[what]
    assert [name for name in FILES if re.search(pattern, code(name))] == [home]


#: Classes of one name in several packages: members of one protocol, and a dispatch by it; a mode and the
#: part of it that is one by itself (`samebits.portable`, `samebits.random.portable`).
SHARED = {"RngState", "portable"}


def test_a_name_is_used_for_one_thing() -> None:
    homes: defaultdict[str, list[str]] = defaultdict(list)
    # No trees are kept: what looks for generators would go through them as through a program's own objects.
    for name, text in FILES.items():
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes[node.name].append(name)
    assert {name: where for name, where in homes.items() if len(where) > 1 and name not in SHARED} == {}


def test_a_file_is_one_noun() -> None:
    """The soft cap is 400 lines; a file above 600 would have to say why."""
    assert [name for name, text in FILES.items() if text.count("\n") > 600] == []


def test_the_page_names_files_that_are_there() -> None:
    page = Path("docs/architecture.md").read_text("utf-8")
    table = page[page.index("## One mechanism each") : page.index("## The way of the data")]
    named = re.findall(r"`([a-z_]+/[a-z_]+\.py)`", table[table.index("| what") :])
    assert len(named) >= len(ALONE)
    assert [name for name in named if name not in FILES] == []
    assert {home for _, home in ALONE.values()} <= set(named)
