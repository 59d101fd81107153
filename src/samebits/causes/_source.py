"""What a value read at one line of the user's source is used for.

A clock read for a log line is harmless, one that ends a loop is the cause; the facts of a run show both
alike.  So the source is read: values are followed through assignments, containers, function results and
arguments of one file.  An *instant* is a reading of a clock, a *span* the difference of two; a span held
against a limit is a budget, spans held against each other are a race of alternatives.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

from samebits.model import calls
from samebits.model.cause import Evidence
from samebits.model.sites import Site

Sort = Literal["instant", "span"]

#: Dates are left out: they do not measure how long something took.
#: Clocks whose reading is a span already.
_SPANS: Final = frozenset({"timeit", "elapsed_time", "blocked_autorange", "adaptive_autorange"})
_CLOCKS: Final = frozenset({*calls.CLOCKS, *calls.STOPWATCHES, "now", "utcnow"})
_CHOOSERS: Final = frozenset({"min", "max", "sorted", "sort", "argmin", "argmax", "nsmallest", "nlargest"})
_SHOWS: Final = frozenset(
    {"print", "format", "write", "debug", "info", "warning", "error", "log", "str", "repr", "sleep", "wait"}
)
#: What an optimizer's groups are told, by key.
_SETTINGS: Final = frozenset({"lr", "initial_lr", "momentum", "weight_decay", "betas", "eps", "dampening"})
_LONGEST: Final = 1 << 18  # characters of a source that is followed
_PASSES: Final = 8  # rounds of following values; each round follows one more step of a chain


@dataclass(slots=True)
class Uses:
    """The lines at which a followed value is used, by use."""

    budget: list[int] = field(default_factory=list)  # an instant or span against a limit
    alternatives: list[int] = field(default_factory=list)  # spans against each other
    arguments: set[int] = field(default_factory=set)  # passed to a call
    shown: set[int] = field(default_factory=set)  # ... that only shows it, or waits: print, format, a logger
    stored: set[int] = field(default_factory=set)  # kept in an object or a container
    settings: set[int] = field(default_factory=set)  # ... as a setting of an optimizer


def text_of(evidence: Evidence, site: Site | None) -> str | None:
    """The text of a site's file, if the record kept it."""
    if site is None:
        return None
    exact = evidence.sources.get(site.file)
    if exact is not None:
        return exact
    ends = "/" + site.file
    return next((text for path, text in evidence.sources.items() if path.endswith(ends)), None)


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def is_clock(node: ast.Call) -> bool:
    return _called(node) in _CLOCKS


def _name(node: ast.expr) -> str | None:
    """The variable that an expression stores to or reads from: ``x``, ``self.x``, the ``x`` of ``x[0]``."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = _name(node.value)
        return f"{inner}.{node.attr}" if inner else None
    if isinstance(node, (ast.Subscript, ast.Starred)):
        return _name(node.value)
    return None


class _Follower(ast.NodeVisitor):
    def __init__(self, origin: Callable[[ast.Call], bool]) -> None:
        self.origin = origin
        self.names: dict[str, Sort] = {}
        self.functions: dict[str, Sort] = {}
        self.parameters: dict[str, list[str]] = {}
        self.inside: list[str] = []
        self.uses = Uses()

    def sort(self, node: ast.expr | None) -> Sort | None:
        """What an expression holds of the followed value."""
        if node is None:
            return None
        if isinstance(node, ast.Call):
            if self.origin(node):
                return "span" if _called(node) in _SPANS else "instant"
            if _called(node) in self.functions:
                return self.functions[_called(node)]
        if isinstance(node, ast.BinOp):
            left, right = self.sort(node.left), self.sort(node.right)
            if isinstance(node.op, ast.Sub) and left == right == "instant":
                return "span"
            return "span" if "span" in (left, right) else left or right
        name = _name(node)
        if name is not None and name in self.names:
            return self.names[name]
        found: set[Sort] = set()
        for child in ast.iter_child_nodes(node):
            inner = child.value if isinstance(child, ast.keyword) else child
            if isinstance(inner, ast.comprehension):
                inner = inner.iter
            if isinstance(inner, ast.expr) and (kind := self.sort(inner)) is not None:
                found.add(kind)
        return "span" if "span" in found else "instant" if found else None

    def _store(self, target: ast.expr, sort: Sort | None) -> None:
        if sort is None:
            return
        for element in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
            name = _name(element)
            if not isinstance(element, ast.Name):
                self.uses.stored.add(element.lineno)
            key = element.slice if isinstance(element, ast.Subscript) else None
            if isinstance(key, ast.Constant) and key.value in _SETTINGS:
                self.uses.settings.add(element.lineno)
            if name is not None and self.names.get(name) != "span":
                self.names[name] = sort

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.parameters[node.name] = [arg.arg for arg in node.args.posonlyargs + node.args.args]
        self.inside.append(node.name)
        self.generic_visit(node)
        self.inside.pop()

    def visit_Return(self, node: ast.Return) -> None:
        sort = self.sort(node.value)
        if sort is not None and self.inside and self.functions.get(self.inside[-1]) != "span":
            self.functions[self.inside[-1]] = sort
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        sort = self.sort(node.value)
        for target in node.targets:
            # `a, b = f(), g()` stores each apart.
            if (
                isinstance(target, ast.Tuple)
                and isinstance(node.value, ast.Tuple)
                and len(target.elts) == len(node.value.elts)
            ):
                for element, value in zip(target.elts, node.value.elts, strict=True):
                    self._store(element, self.sort(value))
            else:
                self._store(target, sort)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._store(node.target, self.sort(node.value))
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._store(node.target, self.sort(node.value))
        self.generic_visit(node)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self._store(node.target, self.sort(node.value))
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        self._store(node.target, self.sort(node.iter))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        sorts = [self.sort(value) for value in values]
        if any(sorts):
            self.uses.arguments.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
            name = _called(node)
            if name in _SHOWS:
                self.uses.shown.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
            if name in ("min", "max") and len(node.args) > 1 and sorts.count("span") == 1:
                self.uses.budget.append(node.lineno)  # one span, held within a limit
            elif name in _CHOOSERS and "span" in sorts:
                self.uses.alternatives.append(node.lineno)
            if isinstance(node.func, ast.Attribute) and name in ("append", "add", "insert", "extend"):
                self._store(node.func.value, next(sort for sort in sorts if sort))
            names = self.parameters.get(name, [])
            names = names[1:] if names[:1] == ["self"] else names
            for parameter, sort in zip(names, sorts, strict=False):
                if sort is not None:
                    self.names.setdefault(parameter, sort)
        of = node.func.value if isinstance(node.func, ast.Attribute) else None
        if of is not None and _called(node) in _CHOOSERS and self.sort(of) == "span":
            self.uses.alternatives.append(node.lineno)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        sorts = [self.sort(node.left), *(self.sort(other) for other in node.comparators)]
        if not all(isinstance(op, (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) for op in node.ops):
            pass  # `== -1.0`: a mark, not a limit
        elif sorts.count("span") > 1:
            self.uses.alternatives.append(node.lineno)
        elif any(sorts):
            self.uses.budget.append(node.lineno)
        self.generic_visit(node)


def parsed(text: str | None) -> ast.Module | None:
    """The tree of a source; None where it is none, is very long, or is not there."""
    if text is None or len(text) > _LONGEST:
        return None
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def follow(text: str | None, origin: Callable[[ast.Call], bool]) -> Uses:
    """What becomes, within one file, of the values of the calls that ``origin`` chooses."""
    return Uses() if text is None else _follow(text, origin)


@lru_cache(maxsize=32)  # a clock is read at every step, and each reading asks about the same text
def _follow(text: str, origin: Callable[[ast.Call], bool]) -> Uses:
    tree = parsed(text)
    if tree is None:
        return Uses()
    follower = _Follower(origin)
    for _ in range(_PASSES):
        known = (dict(follower.names), dict(follower.functions))
        follower.uses = Uses()
        follower.visit(tree)
        if known == (follower.names, follower.functions):
            break
    follower.uses.budget.sort()
    follower.uses.alternatives.sort()
    return follower.uses


def at_line(line: int) -> Callable[[ast.Call], bool]:
    """An origin: any call on one line."""
    return lambda node: node.lineno <= line <= (node.end_lineno or node.lineno)


def calling(text: str | None, line: int, owner: str, words: re.Pattern[str]) -> int | None:
    """The line of a call that makes an ``owner`` whose name has the words, or that has a keyword with them.

    Of the former any in the file counts, of the latter that at ``line``.
    """
    tree = parsed(text)
    for node in ast.walk(tree) if tree is not None else ():
        if not isinstance(node, ast.Call):
            continue
        if _called(node) == owner and (
            words.search(owner) or any(words.search(each.arg or "") for each in node.keywords)
        ):
            return node.lineno
        if node.lineno <= line <= (node.end_lineno or line):
            limit = next((each for each in node.keywords if words.search(each.arg or "")), None)
            if limit is not None:
                return limit.value.lineno
    return None


def compiled_draw(sources: Mapping[str, str]) -> Site | None:
    """A line of a function that numba compiles and that draws from `np.random` or `random`."""
    for file, text in sources.items():
        if "numba" not in text or len(text) > _LONGEST:
            continue
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            if not any("jit" in ast.unparse(each) for each in function.decorator_list):
                continue
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Call)
                    and "random." in ast.unparse(node.func)
                    and _called(node) != "seed"
                ):
                    return Site(file, node.lineno, function.name)
    return None
