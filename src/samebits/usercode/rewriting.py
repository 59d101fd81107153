"""The syntax tree of user code, changed so that it gives evidence.

Nothing is edited on disk.  A user's module is compiled from a changed syntax
tree with its lines and columns kept:

- an expression whose elements are taken in order becomes ``__samebits_iter__(expression, place)``;
- ``f(...)``, where the last name of ``f`` is in `samebits.usercode.watchlist`, becomes
  ``__samebits_call__(place, f)(...)``;
- where ``f`` begins with a third party's name, its last argument becomes
  ``__samebits_ready__(argument, place)`` and the whole call ``__samebits_done__(call, place)``: it is called
  from the user's own frame, which it may look at (cython.inline, numexpr, a warning's place);
- the key of ``os.environ[key]`` and the value assigned to a flag such as ``cudnn.benchmark`` go
  through ``__samebits_note__(place, what, value)``.

No statement is added and no name bound, so scopes, docstrings, ``__future__``
imports, zero-argument ``super`` and frames stay what they are.  Annotations
and patterns are left alone.  Where a file cannot be changed it is compiled as it is.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from samebits.model.findings import Site
from samebits.usercode import probes, watchlist
from samebits.usercode.files import relative

ITER: Final = "__samebits_iter__"
CALL: Final = "__samebits_call__"
READY: Final = "__samebits_ready__"
DONE: Final = "__samebits_done__"
NOTE: Final = "__samebits_note__"

_WATCH: Final = watchlist.watched_names()
#: What takes its arguments' elements in order, by the last name of the function.
_ORDERED_NAMES: Final = (
    "list tuple enumerate zip zip_longest map imap imap_unordered starmap filter iter fromkeys join deque "
    "extend chain from_iterable islice cycle product permutations combinations accumulate reduce Counter "
    "array asarray fromiter stack concatenate cat tensor as_tensor"
)
_ORDERED: Final = frozenset(_ORDERED_NAMES.split())
#: What forgets the order of its argument's elements.
_FORGETS: Final = frozenset({"sorted", "set", "frozenset", "len", "any", "all", "min", "max"})
#: Calls whose result is never a set.
_NO_SET_NAMES: Final = (
    "range enumerate zip map filter reversed sorted list tuple dict len str open items split"
)
_NO_SET: Final = frozenset(_NO_SET_NAMES.split())
_FLAG_NAMES: Final = (
    "benchmark benchmark_limit deterministic allow_tf32 fallback_random max_autotune enabled "
    "allow_fp16_reduced_precision_reduction allow_bf16_reduced_precision_reduction fp32_precision"
)
_FLAGS: Final = frozenset(_FLAG_NAMES.split())
#: Packages whose draws are seen by other means: torch's as operations, numpy's and Python's own by name.
_KNOWN: Final = sys.stdlib_module_names | {"torch", "numpy", "samebits"}
_FLAG_OWNERS: Final = ("backends", "cudnn", "matmul", "inductor", "_inductor", "mkldnn")
_PLAIN: Final = (
    ast.Constant,
    ast.JoinedStr,
    ast.List,
    ast.Tuple,
    ast.Dict,
    ast.ListComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.Lambda,
    ast.Compare,
    ast.Starred,
)


def _last(node: ast.expr) -> str:
    """The last name of a callee: ``f`` of ``f``, ``a.f`` and ``a[0].f``."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _of_dict(node: ast.Call, name: str) -> bool:
    """Whether a call of ``get`` or ``pop`` can only be a dictionary's or a list's: hot, and no evidence."""
    if name not in ("get", "pop", "setdefault") or _last(getattr(node.func, "value", node.func)) == "environ":
        return False
    waits = any(each.arg in ("block", "timeout", None) for each in node.keywords)
    first = node.args[0] if node.args else None
    blocks = isinstance(first, ast.Constant) and isinstance(first.value, bool)
    return name == "setdefault" or not (first is None or waits or blocks)


def aliases(tree: ast.Module) -> dict[str, str]:
    """Other names that this module gives to functions: ``from a import f as g``, ``g = a.f``."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            found.update({each.asname: each.name.rpartition(".")[2] for each in node.names if each.asname})
        elif isinstance(node, ast.Assign) and _last(node.value) in _WATCH:
            found.update({each.id: _last(node.value) for each in node.targets if isinstance(each, ast.Name)})
    return found


def _root(node: ast.expr) -> str:
    """The first name of a dotted one."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _libraries(tree: ast.Module) -> frozenset[str]:
    """The names that this module imports from third parties."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                if each.name.partition(".")[0] not in _KNOWN:
                    found.add(each.asname or each.name.partition(".")[0])
        elif (
            isinstance(node, ast.ImportFrom)
            and not node.level
            and (node.module or "").partition(".")[0] not in _KNOWN
        ):
            found.update(each.asname or each.name for each in node.names)
    return frozenset(found)


class _Argument:
    """A plain positional argument, with its value where keywords and starred ones have it."""

    def __init__(self, value: ast.expr) -> None:
        self.value = value


def _last_argument(node: ast.Call) -> _Argument | ast.Starred | ast.keyword | None:
    """What is evaluated last as a call's arguments are: a keyword's value, else the last positional one."""
    if node.keywords:
        return node.keywords[-1]
    if not node.args:
        return None
    last = node.args[-1]
    return last if isinstance(last, ast.Starred) else _Argument(last)


class _Rewriter(ast.NodeTransformer):
    def __init__(self, file: str, aliases: dict[str, str], libraries: frozenset[str]) -> None:
        self._file = file
        self._aliases = aliases
        self._libraries = libraries
        self._functions = ["<module>"]
        self._varargs: list[str] = [""]  # the name of each enclosing function's *args: always a tuple
        self._sorted = False

    # --- places

    def _place(self, node: ast.expr, what: str = "") -> ast.expr:
        site = Site(self._file, node.lineno, self._functions[-1])
        return ast.copy_location(ast.Constant(probes.spot(site, what, self._sorted)), node)

    def _of(self, name: str, node: ast.expr, args: list[ast.expr]) -> ast.expr:
        function = ast.copy_location(ast.Name(name, ast.Load()), node)
        return ast.copy_location(ast.Call(function, args, []), node)

    def _iterated(self, node: ast.expr, what: str) -> ast.expr:
        """``node``, wrapped unless it can be seen to be no set."""
        if isinstance(node, _PLAIN):
            return node
        if isinstance(node, ast.Call) and _last(callee(node)) in _NO_SET:
            return node
        return self._of(ITER, node, [node, self._place(node, what)])

    @contextmanager
    def _inside(self, function: str, vararg: str = "") -> Iterator[None]:
        kept, self._sorted = self._sorted, False
        self._functions.append(function)
        self._varargs.append(vararg)
        try:
            yield
        finally:
            self._functions.pop()
            self._varargs.pop()
            self._sorted = kept

    @contextmanager
    def _forgetting(self, value: bool) -> Iterator[None]:
        kept, self._sorted = self._sorted, value
        try:
            yield
        finally:
            self._sorted = kept

    def _each(self, nodes: list[Any]) -> list[Any]:
        return [self.visit(node) for node in nodes]

    # --- scopes, with their annotations and type parameters left alone

    def _defaults(self, arguments: ast.arguments) -> None:
        arguments.defaults = self._each(arguments.defaults)
        arguments.kw_defaults = [node and self.visit(node) for node in arguments.kw_defaults]

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        node.decorator_list = self._each(node.decorator_list)
        self._defaults(node.args)
        with self._inside(node.name, node.args.vararg.arg if node.args.vararg else ""):
            node.body = self._each(node.body)
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._defaults(node.args)
        with self._inside("<lambda>", node.args.vararg.arg if node.args.vararg else ""):
            node.body = self.visit(node.body)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.decorator_list = self._each(node.decorator_list)
        node.bases = self._each(node.bases)
        node.keywords = self._each(node.keywords)
        with self._inside(node.name):
            node.body = self._each(node.body)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.target = self.visit(node.target)
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def visit_TypeAlias(self, node: ast.AST) -> ast.AST:
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.AST:
        node.guard = node.guard and self.visit(node.guard)
        node.body = self._each(node.body)
        return node

    # --- iteration

    def visit_For(self, node: ast.For) -> ast.AST:
        self.generic_visit(node)
        node.iter = self._iterated(node.iter, "for")
        return node

    def _comprehension(self, node: ast.AST, forgets: bool = False) -> ast.AST:
        with self._forgetting(self._sorted or forgets):
            generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
            for each in generators:
                with self._forgetting(False):
                    each.iter, each.ifs = self.visit(each.iter), self._each(each.ifs)
                if not each.is_async:
                    each.iter = self._iterated(each.iter, "comprehension")
        with self._forgetting(False):
            for field in ("elt", "key", "value"):
                if hasattr(node, field):
                    setattr(node, field, self.visit(getattr(node, field)))
        return node

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        return self._comprehension(node, forgets=True)

    def visit_Starred(self, node: ast.Starred) -> ast.AST:
        self.generic_visit(node)
        own = isinstance(node.value, ast.Name) and node.value.id == self._varargs[-1]
        if isinstance(node.ctx, ast.Load) and not own:
            node.value = self._iterated(node.value, "star")
        return node

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        self.generic_visit(node)
        node.value = self._iterated(node.value, "yield from")
        return node

    # --- assignments

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        target = node.targets[0]
        if isinstance(target, ast.Tuple | ast.List):
            node.value = self._iterated(node.value, "unpack")
        elif isinstance(target, ast.Attribute) and target.attr in _FLAGS:
            name = _dotted(target)
            if any(part in _FLAG_OWNERS for part in name.split(".")[:-1]):
                node.value = self._noted(node.value, name)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load) and _last(node.value) == "environ":
            node.slice = self._noted(node.slice, "variable")
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ops[0], ast.In | ast.NotIn) and _last(node.comparators[0]) == "environ":
            node.left = self._noted(node.left, "variable")
        return node

    def _noted(self, node: ast.expr, what: str) -> ast.expr:
        return self._of(NOTE, node, [self._place(node), ast.copy_location(ast.Constant(what), node), node])

    # --- calls

    def visit_Call(self, node: ast.Call) -> ast.AST:
        last = _last(node.func)
        name = self._aliases.get(last, last)
        keyed = any(each.arg in ("key", None) for each in node.keywords)
        outer, self._sorted = self._sorted, False
        node.func = self.visit(node.func)
        node.keywords = self._each(node.keywords)
        self._sorted = name in _FORGETS and isinstance(node.func, ast.Name) and not keyed
        node.args = self._each(node.args)
        self._sorted = outer
        of_paths = name == "join" and _last(getattr(node.func, "value", node.func)) == "path"
        if name in _ORDERED and not of_paths:
            node.args = [self._iterated(each, name) for each in node.args]
        if name in _WATCH and (keyed or name not in watchlist.KEYED) and not _of_dict(node, name):
            node.func = self._of(CALL, node.func, [self._place(node, name), node.func])
        elif _root(node.func) in self._libraries:
            return self._of_library(node)
        return node

    def _of_library(self, node: ast.Call) -> ast.AST:
        last = _last_argument(node)
        what = probes.BARE if last is None else probes.LIBRARY
        node.func = self._of(CALL, node.func, [self._place(node, what), node.func])
        if last is not None:
            last.value = self._of(READY, last.value, [last.value, self._place(node, what)])
            if isinstance(last, _Argument):
                node.args[-1] = last.value
        return self._of(DONE, node, [node, self._place(node, what)])

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return node


def transform(source: str | bytes, filename: str) -> ast.Module:
    """The syntax tree of ``source`` with its watched places rewritten (see this file's docstring).

    Raises SyntaxError as `ast.parse` does.
    """
    tree = ast.parse(source, filename)
    rewritten: ast.Module = _Rewriter(relative(filename), aliases(tree), _libraries(tree)).visit(tree)
    return rewritten


def callee(node: ast.Call) -> ast.expr:
    """The function that the user's call names, of a call that may have been rewritten."""
    function = node.func
    if isinstance(function, ast.Call) and _last(function.func) == CALL:
        return function.args[1]
    return function
