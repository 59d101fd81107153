"""What a call or statement does where an order is followed: it draws, counts, goes on from turn to turn."""

from __future__ import annotations

import ast
from typing import Final

from samebits.source.module import FunctionNode, Module, keyword, last_name
from samebits.source.orderings import DRAWS, GENERATORS, JOINS, OWN_DRAWS
from samebits.source.variables import Variables, written

_FILES: Final = frozenset({"stat", "st_mtime", "getmtime", "getctime", "st_ctime", "stem", "name"})


def is_generator(function: ast.expr) -> bool:
    """Whether a method is one of a generator object, by what such are called."""
    if not isinstance(function, ast.Attribute) or function.attr not in OWN_DRAWS:
        return False
    owner = last_name(function.value).lower().strip("_")
    return owner in GENERATORS or owner.endswith("rng")


def draws(module: Module, call: ast.Call) -> bool:
    """Whether a call draws a random number, or makes a layer that starts from some."""
    return module.names.called(call) in DRAWS or is_generator(call.func)


def is_by_file(module: Module, call: ast.Call) -> bool:
    """Whether `min(files, key=f)` asks for times or names of files: they are rarely equal."""
    key = keyword(call, "key")
    if key is not None and (module.names.qualified(key) or "").startswith("os.path."):
        return True
    return any(isinstance(inner, ast.Attribute) and inner.attr in _FILES for inner in ast.walk(call))


def definition(module: Module, call: ast.Call) -> FunctionNode | None:
    """The function of the file that a call runs: by its name, or a method of the class."""
    function, found = call.func, None
    if isinstance(function, ast.Name):
        found = module.names.definition(function)
    elif isinstance(function, ast.Attribute) and written(function.value) in ("self", "cls"):
        owner = module.class_of(call)
        found = None if owner is None else module.names.defined.get(owner, {}).get(function.attr)
    if isinstance(found, ast.ClassDef):
        found = module.names.defined.get(found, {}).get("__init__")
    return found if isinstance(found, FunctionNode) else None


def goes_on(variables: Variables, target: ast.Name, value: ast.expr, loop: ast.For | ast.AsyncFor) -> bool:
    """Whether turns go on from another: `x = step(x)`, `rows = concat([rows, new])`, `rows = [x, *rows]`."""
    turn = {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
    used = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    if target.id in turn or target.id not in used or variables.is_sorted(target):
        return False
    first = next(
        node
        for statement in loop.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and node.id == target.id and isinstance(node.ctx, ast.Store)
    )
    match value:
        case ast.Call(func=ast.Name(id=name)) if name in turn:
            carried = True
        case ast.Call():
            carried = last_name(value.func) in JOINS and variables.names.called(value) is not None
        case ast.List():
            carried = any(isinstance(each, ast.Starred) for each in value.elts)
        case ast.BinOp(op=ast.Add()):
            carried = isinstance(value.left, ast.List) or isinstance(value.right, ast.List)
        case _:
            carried = False
    return carried and first is target


def gives_all(taken: ast.Subscript) -> bool:
    """Whether a subscript gives all elements on: `x[:]`, a column `x["a"]`, columns `x[["a", "b"]]`."""
    index = taken.slice
    if not isinstance(taken.ctx, ast.Load):
        return False
    if isinstance(index, ast.Slice):
        return index.lower is None and index.upper is None and index.step is None
    columns = index.elts if isinstance(index, ast.List) else [index]
    return all(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in columns)


def counters(module: Module, loop: ast.For | ast.AsyncFor) -> set[str]:
    """The variables that count the turns of a loop."""
    found: set[str] = set()
    for statement in loop.body:
        for node in ast.walk(statement):
            match node:
                case ast.AugAssign(op=ast.Add(), target=ast.Name(id=name)):
                    found.add(name)
                case _:
                    pass
    match loop.iter, loop.target:
        case ast.Call() as call, ast.Tuple(elts=[ast.Name(id=name), *_]):
            if module.names.called(call) == "enumerate":
                found.add(name)
        case _:
            pass
    return found


def counts(module: Module, target: ast.Subscript, value: ast.expr, counters: set[str]) -> bool:
    """`ids[name] = len(ids)`, `ids[name] = count`, `ids[name] = first + count`."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        return any(counts(module, target, side, counters) for side in (value.left, value.right))
    if isinstance(value, ast.Name):
        return value.id in counters
    if isinstance(value, ast.Call) and module.names.called(value) == "len" and value.args:
        return ast.dump(value.args[0]) == ast.dump(target.value).replace("Store()", "Load()")
    return False
