"""Objects in a source that Python hashes, or names, by where they lie in memory."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from samebits.causes._nodes import is_property
from samebits.source.module import FunctionNode, Module, last_name
from samebits.source.variables import Variables

_HASH: Final = frozenset({"__hash__", "__eq__"})
_REPR: Final = frozenset({"__repr__", "__str__"})
#: Bases that hash by address, and of these those that have a text of their own.
_PLAIN: Final = frozenset(
    {"object", "abc.ABC", "typing.Protocol", "typing.Generic", "torch.utils.data.Dataset"}
)
_MODULES: Final = frozenset(
    {"torch.nn.Module", "lightning.LightningModule", "pytorch_lightning.LightningModule"}
)
#: Methods of a module that give modules, parameters or buffers; of `named_...` the second of each pair.
_GIVE: Final = frozenset({"modules", "children", "parameters", "buffers"})
_NAMED: Final = frozenset({"named_modules", "named_children", "named_parameters", "named_buffers"})
_DEPTH: Final = 8
_CALLS: Final = 3  # functions through which a number is followed
SEED: Final = "a seed"


class Instances:
    """Asks of the expressions of one module."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.names = module.names
        self.variables = Variables(module)
        self._sets: dict[ast.AST, bool] = {}

    def is_object(self, node: ast.expr, depth: int = 0) -> bool:
        """Whether an expression is certainly an object that is hashed by its address."""
        if depth > _DEPTH:
            return False
        match node:
            case ast.Lambda():
                return True
            case ast.Call():
                name = self.names.called(node)
                if name is not None:
                    words = name.split(".")
                    return name == "object" or (name.startswith("torch.nn.") and words[-1][:1].isupper())
                return self._made_by(node, _HASH, _PLAIN | _MODULES)
            case ast.Name():
                if isinstance(self.names.definition(node), ast.FunctionDef | ast.AsyncFunctionDef):
                    return True
                if self._runs_over(node, depth):
                    return True
                values = self.names.values(node)
                return bool(values) and all(self.is_object(value, depth + 1) for value in values or ())
            case _:
                return False

    def _made_by(self, call: ast.Call, names: frozenset[str], bases: frozenset[str]) -> bool:
        """Whether a call makes an instance of a class of the file that has none of these methods."""
        made = self.names.definition(call.func) if isinstance(call.func, ast.Name) else None
        return isinstance(made, ast.ClassDef) and self._lacks(made, names, bases)

    def _lacks(
        self, made: ast.ClassDef, names: frozenset[str], bases: frozenset[str], depth: int = 0
    ) -> bool:
        if made.decorator_list or depth > _DEPTH:
            return False
        for statement in made.body:
            if isinstance(statement, ast.FunctionDef) and statement.name in names:
                return False
            if isinstance(statement, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id in names for target in statement.targets
            ):
                return False
        for base in made.bases:
            above = self.names.definition(base) if isinstance(base, ast.Name) else None
            if isinstance(above, ast.ClassDef):
                if not self._lacks(above, names, bases, depth + 1):
                    return False
            elif self.names.qualified(base) not in bases:
                return False
        return True

    def _runs_over(self, name: ast.Name, depth: int) -> bool:
        """Whether a name is that of a loop over modules, parameters, or objects that are known."""
        for above in self.names.parents(name):
            loops: list[ast.For | ast.AsyncFor | ast.comprehension] = []
            if isinstance(above, ast.For):
                loops = [above]
            elif isinstance(above, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
                loops = list(above.generators)
            for loop in loops:
                target, last = loop.target, ""
                if isinstance(loop.iter, ast.Call) and isinstance(loop.iter.func, ast.Attribute):
                    last = loop.iter.func.attr
                if isinstance(target, ast.Name) and target.id == name.id:
                    return last in _GIVE or self.is_objects(loop.iter, depth + 1)
                if isinstance(target, ast.Tuple) and any(_is(each, name.id) for each in target.elts):
                    return last in _NAMED and len(target.elts) == 2 and _is(target.elts[1], name.id)
        return False

    def is_objects(self, node: ast.expr, depth: int = 0) -> bool:
        """Whether an expression is a set of such objects."""
        if node not in self._sets:
            self._sets[node] = False
            self._sets[node] = depth <= _DEPTH and self._is_objects(node, depth)
        return self._sets[node]

    def _is_objects(self, node: ast.expr, depth: int) -> bool:
        match node:
            case ast.Set():
                return bool(node.elts) and any(self.is_object(each, depth + 1) for each in node.elts)
            case ast.SetComp():
                return self.is_object(node.elt, depth + 1)
            case ast.BinOp(op=ast.Sub() | ast.BitAnd() | ast.BitOr() | ast.BitXor()):
                return self.is_objects(node.left, depth + 1)
            case ast.Call():
                if self.names.called(node) in ("set", "frozenset"):
                    return bool(node.args) and self._of_objects(node.args[0], depth)
                return self._returned(node, depth)
            case ast.Name():
                values = self.names.values(node)
                if not values:
                    return False
                empty = [value for value in values if self._is_empty(value)]
                if len(empty) == len(values):
                    return self._is_filled(node, depth)
                return all(self.is_objects(value, depth + 1) for value in values if value not in empty)
            case _:
                return False

    def _of_objects(self, node: ast.expr, depth: int) -> bool:
        match node:
            case ast.List() | ast.Tuple():
                return bool(node.elts) and all(self.is_object(each, depth + 1) for each in node.elts)
            case ast.ListComp() | ast.GeneratorExp():
                return self.is_object(node.elt, depth + 1)
            case ast.Call(func=ast.Attribute(attr=last)):
                return last in _GIVE
            case ast.Name():
                values = self.names.values(node)
                return bool(values) and all(self._of_objects(value, depth + 1) for value in values or ())
            case _:
                return False

    def _is_empty(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and self.names.called(node) == "set" and not node.args

    def _is_filled(self, name: ast.Name, depth: int) -> bool:
        """Whether all that is added to a set is such objects."""
        added = [
            call.args[0]
            for load in self.variables.loads(name)
            if isinstance(above := self.names.parent(load), ast.Attribute)
            and above.attr in ("add", "update")
            and isinstance(call := self.names.parent(above), ast.Call)
            and call.args
        ]
        return bool(added) and all(
            self.is_object(each, depth + 1) or self._of_objects(each, depth) for each in added
        )

    def _returned(self, call: ast.Call, depth: int) -> bool:
        """Whether a function of the file returns such a set."""
        body = self.names.definition(call.func) if isinstance(call.func, ast.Name) else None
        if not isinstance(body, ast.FunctionDef):
            return False
        given = [each.value for each in self.module.within(body) if isinstance(each, ast.Return)]
        return bool(given) and all(value is not None and self.is_objects(value, depth + 1) for value in given)

    # -- texts

    def nameless(self, node: ast.expr, depth: int = 0) -> str | None:
        """The class of the file, without a text of its own, of which there are objects among the elements."""
        for element in self._elements(node, depth):
            if isinstance(element, ast.Call) and self._made_by(element, _REPR, _PLAIN):
                return last_name(element.func)
        return None

    def _elements(self, node: ast.expr, depth: int) -> Iterator[ast.expr]:
        if depth > _DEPTH:
            return
        match node:
            case ast.List() | ast.Tuple() | ast.Set():
                yield from node.elts
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp():
                yield node.elt
            case ast.Call() if self.names.called(node) in ("list", "tuple", "set") and node.args:
                yield from self._elements(node.args[0], depth + 1)
            case ast.Name():
                for value in self.names.values(node) or self._given(node):
                    yield from self._elements(value, depth + 1)
            case _:
                return

    def _given(self, name: ast.Name) -> list[ast.expr]:
        """What a parameter gets where the file calls its function, or makes its class."""
        home = self.names.home(name)
        if not isinstance(home, ast.FunctionDef):
            return []
        parameters = [one.arg for one in (*home.args.posonlyargs, *home.args.args)]
        called, owner = home.name, self.names.parent(home)
        if isinstance(owner, ast.ClassDef):
            parameters = parameters[1:]
            called = owner.name if home.name == "__init__" else called
        found: list[ast.expr] = []
        for call, _, last in self.module.calls if name.id in parameters else ():
            place = parameters.index(name.id)
            if last == called:
                found += [given.value for given in call.keywords if given.arg == name.id]
                if place < len(call.args):
                    found.append(call.args[place])
        return found


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def becomes_number(module: Module, node: ast.expr, depth: int = 0) -> str | None:
    """What a hash or an address is used for, if that outlives the process's own tables."""
    names = module.names
    function = module.function(node)
    if getattr(function, "name", None) == "__hash__":
        return None
    below: ast.AST = node
    for above in names.parents(node):
        match above:
            case ast.keyword(arg=str(name)) if "seed" in name:
                return SEED
            case ast.Call() if below is not above.func and "seed" in last_name(above.func).lower():
                return SEED
            case ast.Call() if names.called(above) in ("random.Random", "numpy.random.default_rng"):
                return SEED
            case ast.Assign(targets=[ast.Name(id=name)]) if "seed" in name.lower():
                return SEED
            case ast.Return() if isinstance(function, FunctionNode):
                return _returned_by(module, function, depth) or _bucket(module, node)
            case ast.stmt():
                return _bucket(module, node)
            case _:
                below = above
    return None


def _bucket(module: Module, node: ast.expr) -> str | None:
    """`hash(x) % n`."""
    below: ast.AST = node
    for above in module.names.parents(node):
        match above:
            case ast.BinOp(op=ast.Mod() | ast.BitAnd()) if above.left is below:
                return "a number of a bucket, or a seed"
            case ast.stmt():
                return None
            case _:
                below = above
    return None


def _returned_by(module: Module, function: FunctionNode, depth: int) -> str | None:
    """What the result of a function of the file becomes where it is called, or its property read."""
    if "seed" in function.name.lower():
        return SEED
    if depth >= _CALLS:
        return None
    read: list[ast.expr] = [call for call, _, last in module.calls if last == function.name]
    if is_property(function):
        read += [each for each in module.every(ast.Attribute) if each.attr == function.name]
    found = (becomes_number(module, each, depth + 1) for each in read)
    return SEED if SEED in found else None
