"""What one pass changes, for one step and for several; and that everything keeps its place."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path
from typing import ClassVar

import pytest

from samebits.usercode.nodes import calling, constant
from samebits.usercode.probe_step import ProbeStep
from samebits.usercode.rewriting import Rewriting, Step, rewrite

STEPS = [ProbeStep()]


def _places(tree: ast.AST) -> set[tuple[str, int, int, int | None, int | None]]:
    kinds = (ast.stmt, ast.Constant, ast.Attribute, ast.Name, ast.Call)
    return {
        (type(node).__name__, node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)
        for node in ast.walk(tree)
        if isinstance(node, kinds)
    }


def test_the_standard_library_compiles_with_its_lines() -> None:
    library = Path(sysconfig.get_path("stdlib"))
    files = sorted(path for path in library.glob("*.py"))[::3]
    files += sorted((library / "asyncio").glob("*.py"))[::4] + sorted((library / "test").glob("test_gr*.py"))
    assert len(files) > 50
    for path in files:
        source = path.read_bytes()
        try:
            before = ast.parse(source)
        except SyntaxError:
            continue
        after = rewrite(source, str(path), STEPS)
        compile(after, str(path), "exec", dont_inherit=True)
        lost = _places(before) - _places(after)
        assert not lost, f"{path}: {sorted(lost)[:3]}"
        assert ast.get_docstring(before) == ast.get_docstring(after)
        # Every node of the changed tree has a place, on a line of the file.
        lines = source.count(b"\n") + 1
        for node in ast.walk(after):
            if isinstance(node, ast.expr | ast.stmt):
                assert 1 <= node.lineno <= (node.end_lineno or 0) <= lines


@pytest.mark.parametrize(
    ("source", "wrapped"),
    [
        ("for x in names: pass", ["__samebits_iter__"]),
        ("for x in range(3): pass", []),
        ("for x in enumerate(names): pass", ["__samebits_iter__"]),
        ("for k, v in table.items(): pass", []),
        ("def f(*args): g(*args)", []),
        ("def f(x: list(names) = 3) -> list(names): pass", []),
        ("x: list(names) = 3", []),
        ("d.get('k'); d.get('k', 1); d.pop('k'); items.pop(0)", []),
        ("q.get(); q.get(timeout=3); s.pop(); os.environ.get('A')", ["__samebits_call__"] * 4),
        ("sorted(x); x.sort(); max(x)", []),
        ("sorted(x, key=id); x.sort(key=id)", ["__samebits_call__"] * 2),
        ("os.path.join(a, b)", []),
        ("','.join(a)", ["__samebits_iter__"]),
        ("os.environ['A']; 'A' in os.environ", ["__samebits_note__"] * 2),
        ("os.environ['A'] = '1'", []),
        ("torch.backends.cudnn.benchmark = True", ["__samebits_note__"]),
        ("self.benchmark = True", []),
        ("from time import time as now\nnow()", ["__samebits_call__"]),
        ("now = time.time\nnow()", ["__samebits_call__"]),
        ("a, b = pair", ["__samebits_iter__"]),
        ("a, b = b, a", []),
        ("async def f():\n async for x in names: pass\n [x async for x in names]", []),
        ("match x:\n case load(): pass", []),
        ("x = {a}; y = {a for a in [b]}; z = set(); w = frozenset(a)", ["__samebits_made__"] * 4),
        ("x in {a, b}; x in set(a); {1, 2}; {'a'}; sorted({a}); len(set(a)); any({a} | b)", []),
        ("a - b; a | b; a.copy(); d.keys() & e.keys()", ["__samebits_made__"]),
        ("a = {c}\na - b; e | f", ["__samebits_made__"] * 2),
        ("def f(a: set[int], b: Set, c: int): a & c; c ^ b; c - d", ["__samebits_made__"] * 2),
        ("a: frozenset = g()\na.copy(); b.union(c); (h := {b}); h - c", ["__samebits_made__"] * 4),
        ("torch.union(a)", ["__samebits_made__"]),
    ],
)
def test_what_is_rewritten(source: str, wrapped: list[str]) -> None:
    tree = rewrite(source, "f.py", STEPS)
    names = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id.startswith("__samebits_")]
    assert names == wrapped


class Counting(Step):
    """Wraps the function of each call of `sample`, and notes what the pass tells."""

    names: ClassVar = {"__samebits_counted__": lambda number, function: function}
    wanted = frozenset({"sample"})

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def iterated(self, node: ast.expr, what: str, at: Rewriting) -> ast.expr:
        self.told.append((what, at.function))
        return node

    def called(self, call: ast.Call, around: ast.expr, name: str, at: Rewriting) -> ast.expr:
        if name == "sample":
            call.func = calling("__samebits_counted__", call.func, [constant(7, call), call.func])
        return around


def changed(source: str, *steps: Step) -> str:
    return ast.unparse(rewrite(source, "f.py", steps))


def test_without_steps_nothing_is_changed() -> None:
    source = "for x in set(random.sample(names, 3)):\n    print(x)"
    assert changed(source) == ast.unparse(ast.parse(source))


def test_a_step_changes_what_it_wants_and_is_told_where_it_is() -> None:
    step = Counting()
    source = "from random import sample as draw\ndef f(*more):\n    return [g(*more) for g in draw(names, 3)]"
    assert "for g in __samebits_counted__(7, draw)(names, 3)" in changed(source, step)
    assert step.told == [("comprehension", "f")]


def test_the_first_step_is_nearest_to_the_users_call() -> None:
    both = changed("x = random.sample(y, 2)", *STEPS, Counting())
    assert both.startswith("x = __samebits_counted__(7, __samebits_call__(")
    assert both.endswith(", random.sample))(y, 2)")
    other = changed("x = random.sample(y, 2)", Counting(), *STEPS)
    assert other.startswith("x = __samebits_call__(")
    assert other.endswith("__samebits_counted__(7, random.sample))(y, 2)")


def test_a_library_is_called_from_the_users_frame_by_every_step() -> None:
    both = changed("import lib\nx = lib.sample(1)", *STEPS, Counting())
    assert both.count("__samebits_counted__(7, __samebits_call__(") == 1
    library = changed("import lib\nx = lib.fit(y)", *STEPS, Counting())
    assert "__samebits_done__(__samebits_call__(" in library


@pytest.mark.parametrize("steps", [STEPS, [*STEPS, Counting()], [Counting(), *STEPS]])
def test_what_is_no_set_is_known_behind_all_steps(steps: list[Step]) -> None:
    source = "for x in sorted(names, key=len):\n    pass"
    assert "__samebits_iter__" not in changed(source, *steps)
