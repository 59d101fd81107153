"""What a call is given, with the dicts that it is given as `**options` looked into."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from samebits.source.module import Module
from samebits.source.variables import Variables

_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a call.

    Attributes:
        places: what is given by place.
        names: what is given by name.
        whole: whether that is all: no `*rows`, and no `**options` that are not known.
    """

    places: tuple[ast.expr, ...]
    names: dict[str, ast.expr]
    whole: bool

    def given(self, place: int | None, name: str) -> ast.expr | None:
        """What is given by place or by name."""
        if name in self.names:
            return self.names[name]
        return self.places[place] if place is not None and place < len(self.places) else None


def arguments(module: Module, call: ast.Call) -> Arguments:
    """The arguments of a call, as far as its file tells."""
    names: dict[str, ast.expr] = {}
    whole = not any(isinstance(each, ast.Starred) for each in call.args)
    for given in call.keywords:
        if given.arg is not None:
            names[given.arg] = given.value
        else:
            whole &= _options(module, given.value, names)
    return Arguments(tuple(call.args), names, whole)


def _options(module: Module, node: ast.expr, names: dict[str, ast.expr], depth: int = 0) -> bool:
    """Takes the entries of a dict; False where there may be others."""
    if depth > _DEPTH:
        return False
    match node:
        case ast.Dict():
            known = True
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    names[key.value] = value
                else:
                    known = known and key is None and _options(module, value, names, depth + 1)
            return known
        case ast.Call() if module.names.called(node) == "dict" and not node.args:
            return all(_option(module, given, names, depth) for given in node.keywords)
        case ast.IfExp():
            return _options(module, node.orelse, names, depth + 1) and _options(
                module, node.body, names, depth + 1
            )
        case ast.Name():
            return _variable(module, node, names, depth)
        case ast.Subscript(value=ast.Name() as table, slice=ast.Constant(value=str(key))):
            entries: dict[str, ast.expr] = {}
            known = _options(module, table, entries, depth + 1)
            return known and key in entries and _options(module, entries[key], names, depth + 1)
        case _:
            return False


def _option(module: Module, given: ast.keyword, names: dict[str, ast.expr], depth: int) -> bool:
    if given.arg is None:
        return _options(module, given.value, names, depth + 1)
    names[given.arg] = given.value
    return True


def _variable(module: Module, node: ast.Name, names: dict[str, ast.expr], depth: int) -> bool:
    """A variable that is a dict, and what is put into it: `options["seed"] = 3`, `options.update(...)`."""
    values = module.names.values(node)
    if not values or not all(_options(module, value, names, depth + 1) for value in values):
        return False
    known = True
    for load in Variables(module).loads(node):
        above = module.names.parent(load)
        if isinstance(above, ast.Subscript) and isinstance(above.ctx, ast.Store):
            assigned = module.names.parent(above)
            if isinstance(above.slice, ast.Constant) and isinstance(assigned, ast.Assign):
                names[str(above.slice.value)] = assigned.value
            else:
                known = False
        elif isinstance(above, ast.Attribute) and above.attr in ("update", "setdefault"):
            call = module.names.parent(above)
            if not isinstance(call, ast.Call):
                continue
            if above.attr == "setdefault":
                known = False
            for each in call.args:
                known &= _options(module, each, names, depth + 1)
            known &= all(_option(module, given, names, depth) for given in call.keywords)
    return known
