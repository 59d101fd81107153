"""The one pass over the syntax tree of user code; what it changes, its steps say.

Nothing is edited on disk.  A user's module is compiled from a changed syntax tree with its lines and
columns kept.  Whoever wants to see or to change what user code does brings a `Step`: the observer's puts
probes in (`samebits.usercode.probe_step`), control's replaces seeds (`samebits.control.seed_calls`).  The
pass walks the tree once and asks the steps, in their order, at each place that one of them may want.

A step puts calls of its own names around expressions.  No statement is added and no name bound, so scopes,
docstrings, ``__future__`` imports, zero-argument ``super`` and frames stay what they are.  Annotations and
patterns are left alone.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from samebits.model import calls
from samebits.usercode.files import relative
from samebits.usercode.module_names import ModuleNames
from samebits.usercode.nodes import has_keyword, last_name, owner
from samebits.usercode.set_makers import SetMakers
from samebits.usercode.texts import TextPlace


class Step:
    """One change of user code.  It gives back what it is given, but for what it changes."""

    #: The functions that changed code calls, by the names that they have in `builtins`.
    names: ClassVar[Mapping[str, Callable[..., Any]]]
    #: The last names of the functions whose calls it changes.
    wanted: Collection[str]

    def iterated(self, node: ast.expr, what: str, at: Rewriting) -> ast.expr:
        """An expression whose elements are taken in order, by ``what``: "for", "star", "list"."""
        return node

    def called(self, call: ast.Call, around: ast.expr, name: str, at: Rewriting) -> ast.expr:
        """A call of a function with this last name, to be changed in place.

        ``around`` is what stands in the call's place by now, at first the call; what shall is given back.
        """
        return around

    def made(self, node: ast.expr, around: ast.expr, at: Rewriting) -> ast.expr:
        """An expression that makes a set; ``around`` and what is given back are as of `called`."""
        return around

    def assigned(self, target: ast.Attribute, value: ast.expr, at: Rewriting) -> ast.expr:
        """The value that is assigned to an attribute."""
        return value

    def bound(self, name: str, value: ast.expr, at: Rewriting) -> ast.expr:
        """What is written down under a name.

        That is assigned to a name or an attribute, a parameter's default, a keyword argument, or the value
        of a dictionary's key.
        """
        return value

    def looked_up(self, mapping: ast.expr, key: ast.expr, at: Rewriting) -> ast.expr:
        """The key of ``mapping[key]`` and of ``key in mapping``, where they are only read."""
        return key


class Rewriting(ast.NodeTransformer):
    """The walk over one module, and for its steps: where it is."""

    def __init__(self, tree: ast.AST, steps: Sequence[Step], place: TextPlace, names: ModuleNames) -> None:
        #: The file's name as a record has it.
        self.file = place.file
        self._before = place.before
        #: Whether what is visited goes straight into something that forgets the order of its elements.
        self.sorted = False
        self._steps = tuple(steps)
        self._names = names
        self._sets = SetMakers(tree)
        names.learn(tree, frozenset().union(*(step.wanted for step in steps)))
        self._functions = ["<module>"]
        self._varargs: list[str] = [""]  # the name of each enclosing function's *args: always a tuple

    def line(self, number: int) -> int:
        """The line of the file that is this one of the tree."""
        return number + self._before

    @property
    def function(self) -> str:
        """The name of the function, or class, whose body this is."""
        return self._functions[-1]

    @property
    def libraries(self) -> Collection[str]:
        """The names that this module imports from third parties."""
        return self._names.libraries

    @contextmanager
    def _inside(self, function: str, vararg: str = "") -> Iterator[None]:
        kept, self.sorted = self.sorted, False
        self._functions.append(function)
        self._varargs.append(vararg)
        try:
            yield
        finally:
            self._functions.pop()
            self._varargs.pop()
            self.sorted = kept

    @contextmanager
    def _forgetting(self, value: bool) -> Iterator[None]:
        kept, self.sorted = self.sorted, value
        try:
            yield
        finally:
            self.sorted = kept

    def _each(self, nodes: list[Any]) -> list[Any]:
        return [self.visit(node) for node in nodes]

    def _iterated(self, node: ast.expr, what: str) -> ast.expr:
        for step in self._steps:
            node = step.iterated(node, what, self)
        return node

    def _makes_set(self, node: ast.expr) -> bool:
        """Whether an expression, as it is written, makes a set whose order can matter."""
        return not self.sorted and self._sets.makes(node)

    def _bound(self, name: str, value: ast.expr) -> ast.expr:
        for step in self._steps:
            value = step.bound(name, value, self)
        return value

    def _made(self, node: ast.expr, around: ast.expr) -> ast.expr:
        for step in self._steps:
            around = step.made(node, around, self)
        return around

    # --- scopes, with their annotations and type parameters left alone

    def _defaults(self, arguments: ast.arguments) -> None:
        positional = [*arguments.posonlyargs, *arguments.args]
        with_default = positional[len(positional) - len(arguments.defaults) :]
        arguments.defaults = [
            self._bound(each.arg, self.visit(node))
            for each, node in zip(with_default, arguments.defaults, strict=True)
        ]
        arguments.kw_defaults = [
            node and self._bound(each.arg, self.visit(node))
            for each, node in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        ]

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
            node.value = self._bound(last_name(node.target), self.visit(node.value))
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
        with self._forgetting(self.sorted or forgets):
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
        makes = self._makes_set(node)
        self._comprehension(node, forgets=True)
        return self._made(node, node) if makes else node

    def visit_Set(self, node: ast.Set | ast.BinOp) -> ast.AST:
        makes = self._makes_set(node)
        self.generic_visit(node)
        return self._made(node, node) if makes else node

    visit_BinOp = visit_Set

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

    # --- assignments and keys

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        target = node.targets[0]
        if isinstance(target, ast.Tuple | ast.List):
            node.value = self._iterated(node.value, "unpack")
        elif isinstance(target, ast.Attribute):
            for step in self._steps:
                node.value = step.assigned(target, node.value, self)
        if name := last_name(target):
            node.value = self._bound(name, node.value)
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        self.generic_visit(node)
        for number, key in enumerate(node.keys):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                node.values[number] = self._bound(key.value, node.values[number])
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            for step in self._steps:
                node.slice = step.looked_up(node.value, node.slice, self)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        member = isinstance(node.ops[0], ast.In | ast.NotIn)
        node.left = self.visit(node.left)
        with self._forgetting(self.sorted or member):
            node.comparators = self._each(node.comparators)
        if member:
            for step in self._steps:
                node.left = step.looked_up(node.comparators[0], node.left, self)
        return node

    # --- calls

    def visit_Call(self, node: ast.Call) -> ast.AST:
        last = last_name(node.func)
        name = self._names.aliases.get(last, last)
        makes = self._makes_set(node)
        outer, self.sorted = self.sorted, False
        node.func = self.visit(node.func)
        node.keywords = self._each(node.keywords)
        for each in node.keywords:
            if each.arg is not None:
                each.value = self._bound(each.arg, each.value)
        forgets = name in calls.FORGETS_ORDER and isinstance(node.func, ast.Name)
        self.sorted = forgets and not has_keyword(node, "key")
        node.args = self._each(node.args)
        self.sorted = outer
        if name in calls.ORDERED and not (name == "join" and last_name(owner(node)) == "path"):
            node.args = [self._iterated(each, name) for each in node.args]
        around: ast.expr = node
        for step in self._steps:
            around = step.called(node, around, name, self)
        return self._made(node, around) if makes else around

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return node


def rewrite(
    source: str | bytes | ast.AST,
    filename: str,
    steps: Sequence[Step],
    *,
    place: TextPlace | None = None,
    mode: str = "exec",
    flags: int = 0,
    names: ModuleNames | None = None,
) -> ast.Module:
    """The syntax tree of ``source``, changed by the steps; a tree that is given is changed in place.

    Args:
        place: where the record says that it is, if not in the file of that name.
        names: what earlier parts of the same module are known to name.

    Raises SyntaxError as `compile` does.
    """
    if isinstance(source, ast.AST):
        tree: Any = source
    else:
        tree = compile(source, filename, mode, flags | ast.PyCF_ONLY_AST, dont_inherit=True)
    where = place or TextPlace(relative(filename))
    rewritten: ast.Module = Rewriting(tree, steps, where, names or ModuleNames()).visit(tree)
    return rewritten
