"""What a name in one source file stands for, as far as the file alone tells: an import, a builtin, or the
values a variable is given.

Rules ask here.  The answer is "not known" (None) wherever a name is bound in more ways than can be followed:
by a parameter, a loop, `with`, `global`, `del`, an import as well as an assignment.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from typing import Final

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES: Final = (ast.Module, ast.ClassDef, *_FUNCTIONS, *_COMPREHENSIONS)
#: A binding whose value is not followed.
_UNKNOWN: Final = None

_SCOPE_TYPES: Final = frozenset(_SCOPES)
_COMPREHENSION_TYPES: Final = frozenset(_COMPREHENSIONS)
#: Nodes that may bind a name.
_BINDERS: Final = frozenset(
    {
        *(ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.FunctionDef, ast.AsyncFunctionDef),
        *(ast.ClassDef, ast.arg, ast.ExceptHandler, ast.MatchAs, ast.MatchStar, ast.MatchMapping, ast.Name),
    }
)
#: Fields that hold no node, or one of no interest: what a load or store is, an operator.
_LEAVES: Final = frozenset(
    {"ctx", "op", "ops", "kind", "type_comment", "id", "attr", "arg", "module", "level", "lineno"}
    | {"conversion", "is_async", "simple", "asname"}
)


def _children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below one, but for operators and contexts."""
    kind = type(node)
    fields = _FIELDS.get(kind)
    if fields is None:
        fields = _FIELDS[kind] = tuple(name for name in kind._fields if name not in _LEAVES)
    found: list[ast.AST] = []
    for name in fields:
        value = getattr(node, name, None)
        if type(value) is list:
            found += [each for each in value if isinstance(each, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


#: Type of node -> its fields that may hold nodes.
_FIELDS: Final[dict[type[ast.AST], tuple[str, ...]]] = {}


_Bindings = dict[str, list[ast.expr | None]]


class Scopes:
    """The names of one module: nothing is imported and nothing run.

    Attributes:
        tree: the module.
        nodes: all nodes of the tree, in the order of the source.
        defined: by scope, the functions and classes that it defines, by name.
        stars: modules whose every name is imported.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.nodes: list[ast.AST] = []  # all of them, in the order of the source
        self.defined: dict[ast.AST, dict[str, ast.AST]] = {}  # scope -> name -> function or class
        self._parent: dict[ast.AST, ast.AST] = {}
        self._bound: dict[ast.AST, _Bindings] = {tree: {}}
        self._imported: dict[ast.AST, dict[str, str]] = {tree: {}}
        self._shared: set[str] = set()  # names that some function declares global or nonlocal
        self.stars: list[str] = []
        self._qualified: dict[ast.AST, str | None] = {}
        self._homes: dict[ast.AST, ast.AST | None] = {}
        self._scopes: dict[ast.AST, ast.AST] = {}  # scope, or what binds or reads a name -> scope around it
        self._walk()

    def _walk(self) -> None:
        """Go through the tree: who is above whom, and what is bound where."""
        nodes, parents, scopes = self.nodes, self._parent, self._scopes
        binders: list[ast.AST] = []
        pending: list[tuple[ast.AST, ast.AST]] = [(self.tree, self.tree)]
        while pending:  # a loop, since a tree may be deeper than Python's recursion
            node, scope = pending.pop()
            nodes.append(node)
            kind = type(node)
            if kind in _BINDERS:
                scopes[node] = scope
                binders.append(node)
            if kind in _SCOPE_TYPES:
                scopes[node] = scope
                self._bound.setdefault(node, {})
                self._imported.setdefault(node, {})
                scope = node
            children = _children(node)
            for child in children:
                parents[child] = node
            pending += [(child, scope) for child in reversed(children)]
        for node in binders:
            self._bind(node)

    def parents(self, node: ast.AST) -> Iterator[ast.AST]:
        """From the nearest to the module."""
        while (above := self._parent.get(node)) is not None:
            yield above
            node = above

    def parent(self, node: ast.AST) -> ast.AST | None:
        return self._parent.get(node)

    def function(self, node: ast.AST) -> ast.AST | None:
        """The function that holds a node; None for what runs as the module is loaded."""
        return next((above for above in self.parents(node) if isinstance(above, _FUNCTIONS)), None)

    def qualified(self, node: ast.expr) -> str | None:
        """The full name of what an expression means: `torch.nn.Linear` of `nn.Linear`, `set` of the builtin.

        None where it is none of an import's and no builtin.
        """
        if node in self._qualified:
            return self._qualified[node]
        if isinstance(node, ast.Attribute):
            inner = self.qualified(node.value)
            found = None if inner is None else f"{inner}.{node.attr}"
        else:
            found = self._named(node) if isinstance(node, ast.Name) else None
        self._qualified[node] = found
        return found

    def _named(self, node: ast.Name) -> str | None:
        scope = self.home(node)
        if scope is None:
            known = hasattr(builtins, node.id) and not self.stars
            return node.id if known and node.id not in self._shared else None
        if node.id in self._bound[scope] or node.id in self._shared:
            return None
        return self._imported[scope][node.id]

    def called(self, node: ast.expr) -> str | None:
        """The full name of the function of a call, or None."""
        return self.qualified(node.func) if isinstance(node, ast.Call) else None

    def values(self, name: ast.Name) -> list[ast.expr] | None:
        """All that is assigned to a variable, or None where that is not known."""
        scope = self.home(name)
        if scope is None or name.id in self._shared or name.id in self._imported[scope]:
            return None
        values = self._bound[scope].get(name.id, [])
        known = [value for value in values if value is not None]
        return known if known and len(known) == len(values) else None

    def is_shared(self, name: str) -> bool:
        """Whether some function declares a name global or nonlocal."""
        return name in self._shared

    def definition(self, name: ast.Name) -> ast.AST | None:
        """The function or class of the file that a name stands for."""
        scope = self.home(name)
        return None if scope is None else self.defined.get(scope, {}).get(name.id)

    def rebinds(self, name: str, line: int) -> bool:
        """Whether a builtin's name stands for something else at a line: the file, or a function, binds it."""
        return name in self._shared or any(
            (scope is self.tree or scope.lineno <= line <= (scope.end_lineno or 0))  # type: ignore[attr-defined]
            and (name in bound or name in self._imported[scope])
            for scope, bound in self._bound.items()
            if not isinstance(scope, ast.ClassDef)
        )

    def imports(self) -> dict[str, str]:
        """What the module imports at its top level: name -> full name."""
        return self._imported[self.tree]

    @property
    def imported(self) -> dict[str, str]:
        """What is imported anywhere in it: name -> full name."""
        return {name: full for names in self._imported.values() for name, full in names.items()}

    def annotation(self, name: ast.Name) -> ast.expr | None:
        """The annotation of the parameter that a name is, if it is a parameter and nothing else."""
        scope = self.home(name)
        if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
            return None
        given = scope.args
        every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
        found = next((one for one in every if one.arg == name.id), None)
        return found.annotation if found is not None and len(self._bound[scope][name.id]) == 1 else None

    def home(self, name: ast.Name) -> ast.AST | None:
        """The scope that binds a name as seen from there; None for a builtin."""
        if name not in self._homes:
            self._homes[name] = self._home(name)
        return self._homes[name]

    def _home(self, name: ast.Name) -> ast.AST | None:
        """The scope that binds a name as seen from there; None for a builtin."""
        first, scope = True, self._scopes[name]
        while True:
            visible = first or type(scope) is not ast.ClassDef
            if visible and (name.id in self._bound[scope] or name.id in self._imported[scope]):
                return scope
            if scope is self.tree:
                return None
            first = first and type(scope) in _COMPREHENSION_TYPES
            scope = self._scopes[scope]

    def _scope(self, node: ast.AST) -> ast.AST:
        return self._scopes[node]

    def _add(self, scope: ast.AST, name: str, value: ast.expr | None) -> None:
        self._bound[scope].setdefault(name, []).append(value)

    def _bind(self, node: ast.AST) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.Global() | ast.Nonlocal():
                self._shared.update(node.names)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                scope = self._scope(node)
                self.defined.setdefault(scope, {})[node.name] = node
                self._add(scope, node.name, _UNKNOWN)
            case ast.arg():
                self._add(self._scope(node), node.arg, _UNKNOWN)
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                self._add(self._scope(node), name, _UNKNOWN)
            case ast.MatchMapping(rest=str(name)):
                self._add(self._scope(node), name, _UNKNOWN)
            case ast.Name(ctx=ast.Store() | ast.Del()):
                self._store(node)
            case _:
                pass

    def _store(self, node: ast.Name) -> None:
        scope = self._scope(node)
        above = self._parent[node]
        value: ast.expr | None = _UNKNOWN
        match above:
            case ast.Assign():
                value = above.value
            case ast.AnnAssign():
                if above.value is None:
                    return  # declares, binds nothing
                value = above.value
            case ast.AugAssign():
                if isinstance(above.op, ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor):
                    return  # a set stays a set; of others the first binding decides as well
            case ast.NamedExpr():
                value = above.value
                while isinstance(scope, _COMPREHENSIONS):  # binds outside: PEP 572
                    scope = self._scope(scope)
            case _:
                pass
        self._add(scope, node.id, value)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        scope = self._scope(node)
        for alias in node.names:
            if alias.name == "*":
                module = f"{'.' * node.level}{node.module or ''}" if isinstance(node, ast.ImportFrom) else ""
                self.stars.append(module)  # any builtin may be another now
                continue
            name = alias.asname or alias.name.partition(".")[0]
            if isinstance(node, ast.Import):
                full = alias.name if alias.asname else name
            else:
                full = f"{'.' * node.level}{node.module or ''}.{alias.name}"
            known = self._imported[scope].setdefault(name, full)
            if known != full:  # one of two, by a condition
                self._add(scope, name, _UNKNOWN)


def last_name(node: ast.expr) -> str:
    """The last name of a variable or attribute: `manual_seed` of `torch.manual_seed`; "" of anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
