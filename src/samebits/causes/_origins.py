"""Where a value that is used at one line comes from, in the text of one file: followed back.

Names are followed through assignments, loops, arguments and results of functions to calls of a chosen kind.
(`causes/_source.py` follows forward: what becomes of a value.)  Where a name is given several values, each
may be the one; the nearest call is the answer.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from samebits.causes._source import parsed

_LONGEST: Final = 1 << 18  # characters of a source that is followed
_MOST: Final = 2000  # expressions that are looked at
_GROW: Final = frozenset({"append", "extend", "insert", "add", "update", "put", "appendleft"})

_SORTS: Final = frozenset(
    {"sort", "sorted", "sort_values", "sort_index", "sort_by", "orderBy", "order_by", "lexsort"}
)
_AS_FINISHED: Final = frozenset({"as_completed", "imap_unordered", "map_unordered"})
#: What a keyword says: joblib's ``return_as``.
_UNORDERED: Final = frozenset({"generator_unordered"})

Node = ast.expr | ast.stmt


class _Values:
    """What each name of a file is given, wherever that is, and what its functions return."""

    def __init__(self, tree: ast.Module) -> None:
        self.given: dict[str, list[ast.expr]] = {}
        self.returned: dict[str, list[ast.expr]] = {}
        self.functions: dict[str, list[str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                arguments = [*node.args.posonlyargs, *node.args.args]
                self.functions[node.name] = [
                    each.arg for each in arguments if each.arg not in ("self", "cls")
                ]
        self._visit(tree, ())

    def _visit(self, node: ast.AST, loops: tuple[ast.expr, ...]) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Return | ast.Yield | ast.YieldFrom) and inner.value is not None:
                        self.returned.setdefault(node.name, []).append(inner.value)
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._give(target, value, *(loops if isinstance(target, ast.Subscript) else ()))
            case ast.AugAssign(target=target, value=value):
                self._give(target, value, *loops)
            case (
                ast.AnnAssign(target=target, value=ast.expr() as value)
                | ast.NamedExpr(target=target, value=value)
            ):
                self._give(target, value)
            case ast.For(target=target, iter=iterated) | ast.AsyncFor(target=target, iter=iterated):
                self._give(target, iterated)
                loops = (*loops, iterated)
            case ast.comprehension(target=target, iter=iterated):
                self._give(target, iterated)
            case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
                self._give(target, value)
            case ast.Call(func=ast.Attribute(value=owner, attr=name)) if name in _GROW:
                self._give(owner, *node.args, *loops)
            case _:
                pass
        if isinstance(node, ast.Call):
            for name, value in zip(self.functions.get(last_name(node.func), ()), node.args, strict=False):
                self.given.setdefault(name, []).append(value)
            for keyword in node.keywords:
                if keyword.arg is not None and last_name(node.func) in self.functions:
                    self.given.setdefault(keyword.arg, []).append(keyword.value)
        for child in ast.iter_child_nodes(node):
            self._visit(child, loops)

    def _give(self, target: ast.expr, *values: ast.expr) -> None:
        targets = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
        for each in targets:
            if (name := last_name(each)) != "":
                self.given.setdefault(name, []).extend(values)


def last_name(node: ast.expr) -> str:
    """The last name of a variable: ``x`` of ``x``, ``a.x``, ``x[0]`` and ``*x``."""
    while isinstance(node, ast.Subscript | ast.Starred):
        node = node.value
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _at(tree: ast.Module, line: int) -> list[ast.expr]:
    """The expressions of the innermost statement of a line."""
    over = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    if not over:
        return []
    innermost = max(over, key=lambda node: (node.lineno, -(node.end_lineno or node.lineno)))
    return [child for child in ast.iter_child_nodes(innermost) if isinstance(child, ast.expr)]


def origin(
    text: str | None, line: int, wanted: Callable[[ast.Call], bool], stops: Callable[[ast.Call], bool]
) -> ast.Call | None:
    """The nearest call that ``wanted`` chooses, of those that lead to what a line uses.

    ``stops``: a call behind which nothing is looked for, since it undoes what is wanted.
    """
    if text is None or len(text) > _LONGEST:
        return None
    try:
        tree = ast.parse(text)
        values = _Values(tree)
        waiting = deque(_at(tree, line))
        seen: set[str] = set()
        for _ in range(_MOST):
            if not waiting:
                break
            names: list[str] = []
            for node in _within(waiting.popleft(), stops):
                called = last_name(node.func) if isinstance(node, ast.Call) else ""
                if isinstance(node, ast.Call) and called not in values.functions and wanted(node):
                    return node
                if called in values.returned:
                    names.append(called + "()")
                elif isinstance(node, ast.Name | ast.Attribute):
                    names.append(last_name(node))
            for name in names:
                if name not in seen:
                    seen.add(name)
                    of = values.returned if name.endswith("()") else values.given
                    waiting.extend(of.get(name.removesuffix("()"), ()))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return None


def sorts(node: ast.Call) -> bool:
    """Whether a call puts what it is given in an order of its own."""
    return last_name(node.func) in _SORTS


def as_finished(text: str | None, line: int) -> ast.Call | None:
    """The call that gives results in the order of finishing, of those that lead to what a line uses."""
    return origin(text, line, _finishing, sorts)


def several_jobs(text: str | None) -> int | None:
    """The line of a file's last call that is told to work in several jobs: scikit-learn's ``n_jobs=4``."""
    tree = parsed(text)
    lines = [
        word.value.lineno
        for node in (ast.walk(tree) if tree is not None else ())
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg == "n_jobs"
        and not (isinstance(word.value, ast.Constant) and word.value.value in (1, None))
    ]
    return max(lines, default=None)


def _finishing(node: ast.Call) -> bool:
    words = {word.value.value for word in node.keywords if isinstance(word.value, ast.Constant)}
    return last_name(node.func) in _AS_FINISHED or not _UNORDERED.isdisjoint(words)


def _within(node: ast.expr, stops: Callable[[ast.Call], bool]) -> Iterator[ast.AST]:
    waiting: deque[ast.AST] = deque([node])
    while waiting:
        inner = waiting.popleft()
        if isinstance(inner, ast.Call) and stops(inner):
            continue
        yield inner
        waiting.extend(ast.iter_child_nodes(inner))
