"""Makes the summary of one module: one walk over its nodes."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Collection, Iterator
from typing import Final

from samebits.source.module import FunctionNode, Module, last_name
from samebits.source.order import Orders
from samebits.source.summary import (
    GUARD,
    MODULE,
    NOTHING,
    Class,
    Function,
    SourcePlace,
    SourceStep,
    SourceValue,
    Summary,
)
from samebits.source.values import Values, iterated, lambda_name

_LOOPS: Final = frozenset(
    {ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp}
)
_BRANCHES: Final = frozenset({ast.If, ast.Try, ast.TryStar, ast.ExceptHandler})
_CHANGES: Final = frozenset(
    {*_LOOPS, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.With, ast.AsyncWith}
)
#: A branch that never runs: the `else` of `if True`.
_DEAD: Final = "dead"
#: What seeds when it is called, and may be handed on as a value.
_SEEDERS: Final = frozenset({"random.seed", "numpy.random.seed", "torch.manual_seed"})
_STATEMENTS: Final = frozenset({ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom, ast.Return})
#: The function that something is in, how many of its loops are around it, and what `SourceStep.within` is.
_Around = tuple[str, int, tuple[str, ...]]
#: Last names of calls whose arguments are followed to what they are made of.
_FOLLOWED: Final = ("seed", "random", "rng", "generator", "key")
_FOLLOWED_WHOLE: Final = frozenset({"to", "device"})  # likewise, by the whole name
_QUIET: Final = frozenset(
    {"print", "len", "isinstance", "range", "str", "int", "float", "super", "getattr", "hasattr"}
)


class _Maker:
    def __init__(self, module: Module, returning: Collection[str]) -> None:
        self.module = module
        self.returning = returning
        self.names = module.names
        self.orders = Orders(module, written=True)
        self.steps: dict[str, list[SourceStep]] = {MODULE: []}
        self.reads: dict[str, set[str]] = {MODULE: set()}
        self.returned: dict[str, list[SourceValue]] = {}
        self.iterated: dict[str, list[tuple[str, int]]] = {}
        self.context: dict[ast.AST, _Around] = {}
        self.values = Values(module, self._owner)
        #: Names by which the file has functions and classes of its own, or what is imported of the project.
        self.projects = {name for names in module.names.defined.values() for name in names}
        self.projects |= {
            name
            for name, full in module.names.imported.items()
            if full.startswith(".") or full.partition(".")[0] not in _OUTSIDE
        }

    def made(self) -> Summary:
        module, tree = self.module, self.module.tree
        functions: dict[str, Function] = {}
        classes: dict[str, Class] = {}
        self.context[tree] = (MODULE, 0, ())
        parent, context = self.names.parent, self.context
        for node in self.names.nodes[1:]:
            above = parent(node)
            assert above is not None
            around = context[above]
            kind = type(node)
            if type(above) in _BRANCHES:
                around = self._branch(above, node, around)
            if kind in _CHANGES:
                around = self._changed(node, around, functions, classes)
            context[node] = around
            if kind is ast.Call:
                self._call(node, around)  # type: ignore[arg-type]
            elif kind is ast.Name or kind is ast.Attribute:
                self._name(node, above, around)  # type: ignore[arg-type]
            elif kind in _STATEMENTS:
                self._statement(node, around)
        whole = SourcePlace(module.file, 1, 1, max(len(module.lines), 1))
        functions[MODULE] = Function(MODULE, whole)
        for name, function in functions.items():
            functions[name] = Function(
                name,
                function.place,
                function.parameters,
                function.decorators,
                tuple(sorted(self.steps[name], key=_when)),
                frozenset(self.reads[name]),
                tuple(self.returned.get(name, ())),
                tuple(self.iterated.get(name, ())),
            )
        guarded = any(_is_guard(node) for node in tree.body)
        return Summary(
            module.file,
            len(module.lines),
            functions,
            classes,
            dict(self.names.imports()),
            tuple(self.names.stars),
            guarded,
            guarded or any(_works(node) for node in tree.body),
        )

    def _owner(self, node: ast.AST) -> str:
        """The name of the function that a node is in."""
        return self.context[node][0] if node in self.context else self.module.owner(node)

    # -- what is around

    def _branch(self, above: ast.AST, node: ast.AST, around: _Around) -> _Around:
        """What is around a node right below an `if`, a `try` or an `except`."""
        if not isinstance(node, ast.stmt | ast.ExceptHandler):
            return around
        owner, loops, within = around
        if isinstance(node, ast.ExceptHandler):
            return owner, loops, (*within, "except")
        return owner, loops, (*within, _branch(above, node))

    def _changed(
        self, node: ast.AST, around: _Around, functions: dict[str, Function], classes: dict[str, Class]
    ) -> _Around:
        """What is around the nodes in a function, a class, a loop or a `with`."""
        owner, loops, within = around
        module = self.module
        if isinstance(node, FunctionNode):
            name = module.qualname(node)
            self.steps.setdefault(name, [])
            self.reads.setdefault(name, set())
            functions[name] = self._function(node, name)
            return name, 0, ()
        if isinstance(node, ast.Lambda):
            return self._lambda(node, functions, around)
        if isinstance(node, ast.ClassDef):
            name = module.qualname(node)
            bases = tuple(filter(None, (self.values.named(base) or last_name(base) for base in node.bases)))
            methods = tuple(each.name for each in node.body if isinstance(each, FunctionNode))
            classes[name] = Class(name, module.place(node), bases, methods)
            return around
        if isinstance(node, ast.With | ast.AsyncWith):
            return owner, loops, (*within, *self._entered(node))
        if isinstance(node, ast.For | ast.AsyncFor):
            self.iterated.setdefault(owner, []).append((iterated(node.iter), loops))
        return owner, loops + 1, within

    def _statement(self, node: ast.AST, around: _Around) -> None:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            self._assign(node, *around)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node, *around)
        elif isinstance(node, ast.Return) and node.value is not None:
            self.returned.setdefault(around[0], []).append(self.values.value(node.value, False))

    # -- steps

    def _add(self, owner: str, step: SourceStep) -> None:
        if _DEAD in step.within:
            return
        self.steps.setdefault(owner, []).append(step)

    def _lambda(self, node: ast.Lambda, functions: dict[str, Function], around: _Around) -> _Around:
        """A function that is mentioned where it stands."""
        owner, loops, within = around
        place = self.module.place(node)
        name = f"{owner}.<locals>.{lambda_name(place)}"
        self.steps.setdefault(name, [])
        self.reads.setdefault(name, set())
        functions[name] = Function(name, place, tuple(one.arg for one in node.args.args))
        self._add(owner, SourceStep("mention", place, f":{name}", "", "", "", (), NOTHING, loops, within))
        return name, 0, ()

    def _call(self, node: ast.Call, around: _Around) -> None:
        function = node.func
        name, attr = self.values.named(function), last_name(function)
        if name in _QUIET:
            return
        others = self.values.alternatives(function) if name is None else []
        for other in others:
            self._called(node, other, other.rpartition(".")[2], around)
        if not others:
            self._called(node, name, attr, around)

    def _called(self, node: ast.Call, name: str | None, attr: str, around: _Around) -> None:
        owner, loops, within = around
        function = node.func
        lower = attr.lower()
        follow = attr in _FOLLOWED_WHOLE or any(word in lower for word in _FOLLOWED)
        keywords = {given.arg or "**": self.values.value(given.value, follow) for given in node.keywords}
        self._add(
            owner,
            SourceStep(
                "call",
                self.module.place(node),
                name,
                attr,
                self.module.source(function.value) if isinstance(function, ast.Attribute) else "",
                self._target(node),
                tuple(self.values.value(each, follow) for each in node.args),
                keywords,
                loops,
                within,
                name is not None and self._may_return(name) and self.orders.lost(node),
            ),
        )

    def _may_return(self, name: str) -> bool:
        """Whether a call may give an order that the function got from elsewhere."""
        if name.startswith(":"):
            return name[1:] in self.returning
        return name.partition(".")[0] not in _LIBRARIES

    def _target(self, node: ast.expr) -> str:
        above = self.names.parent(node)
        if isinstance(above, ast.Assign) and above.value is node:
            return self.module.source(above.targets[0])
        if isinstance(above, ast.AnnAssign | ast.NamedExpr) and above.value is node:
            return self.module.source(above.target)
        return ""

    def _name(self, node: ast.Name | ast.Attribute, above: ast.AST, around: _Around) -> None:
        owner, loops, within = around
        if type(node) is ast.Attribute:
            self.reads[owner].add(f".{node.attr}")
            root = node.value
            seeds = node.attr in ("seed", "manual_seed") and self.values.named(node) in _SEEDERS
            if not seeds and (type(root) is not ast.Name or root.id not in self.projects):
                return
        else:
            assert isinstance(node, ast.Name)
            self.reads[owner].add(node.id)
            if node.id not in self.projects:
                return
        if type(above) is ast.Attribute or (type(above) is ast.Call and above.func is node):
            return
        if type(node.ctx) is not ast.Load:
            return
        name = self.values.named(node)
        if name is not None:
            self._add(
                owner,
                SourceStep("mention", self.module.place(node), name, "", "", "", (), NOTHING, loops, within),
            )

    def _assign(self, node: ast.AST, owner: str, loops: int, within: tuple[str, ...]) -> None:
        assert isinstance(node, ast.Assign | ast.AnnAssign)
        if node.value is None:
            return
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target, value in (pair for each in targets for pair in _pairs(each, node.value)):
            name = None
            if isinstance(target, ast.Attribute):
                name = self.names.qualified(target)
                if isinstance(target.value, ast.Name) and target.value.id == "self":
                    name = f"self.{target.attr}" if isinstance(node.value, ast.Name) else None
            elif isinstance(target, ast.Subscript):
                of = self.names.qualified(target.value)
                if of is not None and isinstance(target.slice, ast.Constant):
                    name = f"{of}[{target.slice.value!r}]"
            if name is not None:
                step = SourceStep(
                    "set", self.module.place(node), name, name.rpartition(".")[2], "", "",
                    (self.values.value(value, True),), NOTHING, loops, within,
                )  # fmt: skip
                self._add(owner, step)

    def _import(self, node: ast.AST, owner: str, loops: int, within: tuple[str, ...]) -> None:
        assert isinstance(node, ast.Import | ast.ImportFrom)
        place = self.module.place(node)
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            base = "." * node.level + (node.module or "")
            modules = [
                base,
                *(f"{base}.{alias.name}" if node.module else f"{base}{alias.name}" for alias in node.names),
            ]
        for name in modules:
            self._add(
                owner,
                SourceStep(
                    "import", place, name, name.rpartition(".")[2], "", "", (), NOTHING, loops, within
                ),
            )

    def _entered(self, node: ast.With | ast.AsyncWith) -> Iterator[str]:
        for item in node.items:
            entered = item.context_expr
            function = entered.func if isinstance(entered, ast.Call) else entered
            yield self.values.named(function) or last_name(function) or "with"

    def _function(self, node: FunctionNode, name: str) -> Function:
        given = node.args
        parameters = tuple(one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs))
        decorators = []
        for one in node.decorator_list:
            function = one.func if isinstance(one, ast.Call) else one
            decorators.append(self.values.named(function) or last_name(function))
        return Function(name, self.module.place(node), parameters, tuple(decorators))


#: Packages that no project has as its own.
_LIBRARIES: Final = frozenset(
    {*sys.stdlib_module_names, *dir(builtins), "torch", "numpy", "torchvision", "torchaudio", "sklearn"}
    | {"pandas", "tqdm", "PIL", "cv2", "matplotlib", "transformers", "datasets", "accelerate", "lightning"}
    | {"wandb", "yaml", "pytorch_lightning", "tensorboard", "scipy", "skimage", "einops", "timm"}
    | {"omegaconf", "hydra", "click", "jax", "flax", "optax", "tensorflow", "gymnasium", "gym"}
    | {"torch_geometric", "dgl", "peft", "evaluate"}
)
#: Packages whose functions are no code of the project, and need not be noted when they are mentioned.
_OUTSIDE: Final = frozenset(
    {"torch", "numpy", "os", "sys", "math", "typing", "time", "json", "logging", "argparse"}
)


def _when(step: SourceStep) -> tuple[int, int]:
    """When a step happens: what is called with another call's result comes after it."""
    place = step.place
    return (place.end_line, place.end_column) if step.kind in ("call", "set") else (place.line, place.column)


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What is assigned to what: `a, b = 1, 2` sets each apart."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        yield from zip(target.elts, value.elts, strict=True)
    else:
        yield target, value


def _branch(above: ast.AST, node: ast.stmt) -> str:
    """The branch of an `if` or `try` that a statement is in."""
    if isinstance(above, ast.If):
        if _is_guard(above):
            return GUARD if node in above.body else "else"
        if isinstance(above.test, ast.Constant) and (node in above.body) != bool(above.test.value):
            return _DEAD
        return "if" if node in above.body else "else"
    if isinstance(above, ast.ExceptHandler):
        return "except"
    assert isinstance(above, ast.Try | ast.TryStar)
    if node in above.finalbody:
        return "finally"
    return "try" if node in above.body else "else"


def _is_guard(node: ast.stmt) -> bool:
    if not isinstance(node, ast.If):
        return False
    tests = node.test.values if isinstance(node.test, ast.BoolOp) else [node.test]
    return any(
        isinstance(side, ast.Name) and side.id == "__name__"
        for test in tests
        if isinstance(test, ast.Compare)
        for side in (test.left, *test.comparators)
    )


def _works(node: ast.stmt) -> bool:
    """Whether a statement of the top level does something: calls, loops."""
    if isinstance(node, ast.If):
        return any(map(_works, (*node.body, *node.orelse)))
    if isinstance(node, ast.Try | ast.TryStar):
        return any(map(_works, (*node.body, *node.orelse, *node.finalbody)))
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant)
    return isinstance(node, ast.For | ast.While | ast.With | ast.AugAssign) or (
        isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
    )


def summarize(module: Module, returning: Collection[str] = ()) -> Summary:
    """The summary of a module; ``returning`` are its functions that give on an order which is not given."""
    return _Maker(module, returning).made()
