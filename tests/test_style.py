"""What the linter cannot say of our files: no idle string, no broken program, tests where their source is."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "samebits"
FILES = sorted(
    path
    for folder in ("src", "tests", "benchmarks", "examples", "tools")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)


def _trees() -> Iterator[tuple[str, ast.Module]]:
    for path in FILES:
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text("utf-8"), str(path))


def idle_strings(tree: ast.AST) -> Iterator[int]:
    """Lines of strings that are statements and no docstrings: a literal that was broken leaves one behind."""
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if not isinstance(body, list):  # a lambda's, an expression's
                continue
            opens = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            for position, statement in enumerate(body):
                if (
                    isinstance(statement, ast.Expr)
                    and isinstance(statement.value, ast.JoinedStr | ast.Constant)
                    and (isinstance(statement.value, ast.JoinedStr) or isinstance(statement.value.value, str))
                    and not (opens and name == "body" and position == 0)
                ):
                    yield statement.lineno


def test_no_string_is_a_statement_of_its_own() -> None:
    assert [f"{name}:{line}" for name, tree in _trees() for line in idle_strings(tree)] == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('"""The module."""\nx = 1\n', []),
        ('def f():\n    """It does."""\n', []),
        ('class A:\n    """It is."""\n    x = "a"\n    "b"\n', [4]),
        ('x = "a"\nprint(x)\n"b"\n', [3]),
        ('def f():\n    """It does."""\n    "and more"\n', [3]),
        ('if x:\n    "nothing"\nelse:\n    f"{x}"\n', [2, 4]),
        ("...\n1\n", []),
    ],
)
def test_idle_strings_are_found(source: str, lines: list[int]) -> None:
    assert list(idle_strings(ast.parse(source))) == lines


def programs(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Strings of a module that begin as a program does, with an import; and their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            text = node.value.value
            if isinstance(text, str) and "\n" in text and re.match(r"\s*(import|from) \w", text):
                yield node.lineno, text


def test_programs_in_tests_parse() -> None:
    """Of those that are a name's value; one that ends with a colon is the head of what a test adds."""
    broken = []
    for name, tree in _trees():
        for line, text in programs(tree) if name.startswith("tests/") else ():
            text = textwrap.dedent(text)
            try:
                ast.parse(text + "    pass\n" if text.endswith(":\n") else text)
            except SyntaxError as error:
                broken.append(f"{name}:{line}: {error}")
    assert broken == []


#: Tests of what no single file does, and what that is; `*`: a whole folder.
NO_FILE = {
    "arithmetic/aarch64": "the kernels on another kind of machine, under an emulator",
    "arithmetic/settings": "every row in processes with other instruction sets and numbers of threads",
    "arithmetic/functions": "the functions of reference/, which the C has in several files",
    "audit/fuzz": "files that nobody would write, through all of an audit",
    "audit/rules": "the rules of all causes, on their snippets",
    "causes/catalogue": "all causes as one list, and their pages",
    "causes/matchers": "which of all causes is named for which evidence",
    "compare/records": "a verdict on records of every age and kind",
    "data/kill": "runs that are killed and resumed, end to end",
    "data/peer_faults": "faults that other projects had",
    "data/room": "what the package exports",
    "data/stateful": "torchdata's loader with all of ours",
    "determinism/compiled": "the mode under torch.compile",
    "determinism/many_entries": "scopes entered 1,500 times before the first compilation",
    "examples/*": "what a user runs, which lies beside src",
    "gpu/*": "what needs a GPU, of any package",
    "guides/*": "what proves the rows of docs/guides.md",
    "integrations/contract": "the protocol, for every framework",
    "launch/cases": "small programs for which a verdict was once wrong",
    "launch/children": "programs whose processes run at once",
    "launch/deterministic": "programs under the deterministic mode",
    "launch/ends": "the ways in which a program ends",
    "launch/environments": "environments and machines that lack something",
    "launch/errors_shown": "what failing programs print",
    "launch/folder": "what is left in the user's folder",
    "launch/messages": "workers that their program ends",
    "launch/job_control": "terminals, shells and signals",
    "launch/explained": "which cause, line and fix programs get whose draws are a library's",
    "launch/opening": "how many runs a verdict takes",
    "launch/portable": "`--portable`, end to end",
    "launch/programs": "programs of every kind, end to end",
    "launch/ranks": "torchrun, end to end",
    "launch/run": "`samebits run`, end to end",
    "launch/twins": "programs whose random streams are one, end to end",
    "launch/same_bits": "observed programs compute what they compute alone",
    "manifest/planted": "secrets planted in everything that is collected",
    "metrics/readers/contract": "what holds for every reader of a log",
    "observe/kill": "a record whose writer is killed",
    "ops/compile": "all operations under torch.compile",
    "ops/contract": "what holds for every operation of the table",
    "ops/replacements": "the rows that the files of ops declare",
    "ops/opinfo": "all operations on torch's own samples",
    "peers/*": "other projects' tests, against samebits",
    "property/*": "planted differences through all of compare",
    "random/portable_mode/ranks": "the streams of ranks, and scopes that they share",
    "random/distributions/chi_square": "the test beside it that the tests of distributions use",
    "random/exports": "what the package exports",
    "random/interruptions": "signals within all that draws",
    "random/quality": "statistics of all streams",
    "random/tiers": "the processors for which the core is compiled",
    "report/page": "the report's page in a browser",
    "record/hostile": "forged records, through all that reads",
    "record/corruption": "damaged files, through all that reads",
    "seeding/distributed": "several processes, end to end",
    "seeding/peer_faults": "faults that other projects had",
    "seeding/seeds": "what every function that takes a seed accepts",
    "triton/*": "kernels under triton's interpreter, of any package: a process of its own",
    "tools/*": "what maintainers run, which lies beside src",
    "frameworks/*": "the programs of `make frameworks`, and how they are scored",
    "rules/*": "the rules of causes over source, several to a file",
    "trust/*": "the small forms of `make trust`",
}


def test_tests_are_where_their_source_is() -> None:
    tested = {
        f"{path.relative_to(ROOT / 'tests').parent}/{path.stem.removeprefix('test_')}"
        for path in (ROOT / "tests").glob("*/**/test_*.py")
    }
    alone = set()
    for name in tested:
        source = SOURCE / name
        files = (source.with_suffix(".py"), source.with_name(f"_{source.name}.py"), source / "__init__.py")
        if not any(file.exists() for file in files):
            folder = f"{name.partition('/')[0]}/*"
            alone.add(folder if folder in NO_FILE else name)
    assert alone == NO_FILE.keys()
