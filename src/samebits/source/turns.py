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


def is_keyed(module: Module, call: ast.Call) -> bool:
    """Whether `min(x, key=f)` may find equal keys, of which it takes the first."""
    return keyword(call, "key") is not None and not is_by_file(module, call)


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
    """Whether a subscript gives all elements on: `x[:]`, a column `x["a"]` or `x[:, 1]`, `x[["a", "b"]]`."""
    index = taken.slice
    if not isinstance(taken.ctx, ast.Load):
        return False
    if isinstance(index, ast.Slice):
        return index.lower is None and index.upper is None and index.step is None
    if isinstance(index, ast.Tuple) and index.elts and isinstance(rows := index.elts[0], ast.Slice):
        return rows.lower is None and rows.upper is None and rows.step is None  # `table[:, 1]`
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


def counts(module: Module, held: ast.expr, value: ast.expr, counters: set[str]) -> bool:
    """`ids[name] = len(ids)`, `= count`, `= next(count())`, `= first + count`."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        return any(counts(module, held, side, counters) for side in (value.left, value.right))
    if isinstance(value, ast.Name):
        return value.id in counters
    if not isinstance(value, ast.Call) or not value.args:
        return False
    name, given = module.names.called(value), value.args[0]
    if name == "len":
        return ast.dump(given) == ast.dump(held).replace("Store()", "Load()")
    return name == "next" and isinstance(given, ast.Name) and _is_count(module, given)


def _is_count(module: Module, node: ast.Name) -> bool:
    values = module.names.values(node) or ()
    return any(module.names.called(value) == "itertools.count" for value in values)


def asks_for_number(module: Module, node: ast.Call | ast.Subscript, counters: set[str]) -> bool:
    """`ids.setdefault(name, len(ids))`, and `ids[name]` of a `defaultdict` that numbers what is asked for."""
    match node:
        case ast.Call(func=ast.Attribute(value=held, attr="setdefault"), args=[_, value]):
            return counts(module, held, value, counters)
        case ast.Subscript(value=ast.Name() as held, ctx=ast.Load()):
            made = [
                value
                for value in module.names.values(held) or ()
                if isinstance(value, ast.Call) and value.args
            ]
            return any(
                module.names.called(value) == "collections.defaultdict"
                and _numbers(module, held, value.args[0])
                for value in made
            )
        case _:
            return False


def _numbers(module: Module, held: ast.Name, factory: ast.expr) -> bool:
    """`lambda: len(ids)`, `itertools.count().__next__`, `lambda: next(numbers)`."""
    match factory:
        case ast.Lambda(body=ast.Call() as body):
            return counts(module, held, body, set())
        case ast.Attribute(value=ast.Call() as made, attr="__next__"):
            return module.names.called(made) == "itertools.count"
        case _:
            return False


def numbers_keys(module: Module, made: ast.DictComp, part: ast.comprehension) -> bool:
    """Whether a dict gives its keys numbers, or draws, in the order in which they come."""
    if isinstance(part.iter, ast.Call) and module.names.called(part.iter) in ("enumerate", "zip"):
        return True
    return any(
        isinstance(inner, ast.Call) and (last_name(inner.func) in ("next", "len") or draws(module, inner))
        for inner in ast.walk(made.value)
    )


def parameter(module: Module, function: FunctionNode, call: ast.Call, node: ast.expr) -> str | None:
    """The parameter of a function that an argument of a call is given as."""
    name = next((given.arg for given in call.keywords if given.value is node), None)
    if name is not None:
        return name
    parameters = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    if isinstance(module.names.parent(function), ast.ClassDef):
        parameters = parameters[1:]
    if node not in call.args or any(isinstance(each, ast.Starred) for each in call.args):
        return None
    place = call.args.index(node)
    return parameters[place] if place < len(parameters) else None


def indexing(module: Module, taken: ast.Subscript) -> ast.For | None:
    """The loop over a range whose number only takes elements of one list: it goes over the list."""
    index, of = taken.slice, written(taken.value)
    if not isinstance(index, ast.Name) or not of:
        return None
    for loop in module.loops(taken):
        if not isinstance(loop, ast.For) or not isinstance(loop.target, ast.Name):
            continue
        if loop.target.id != index.id:
            continue
        if module.names.called(loop.iter) != "range":
            return None
        for statement in loop.body:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and node.id == index.id:
                    above = module.names.parent(node)
                    alone = isinstance(above, ast.Subscript) and above.slice is node
                    if not alone or written(above.value) != of:  # type: ignore[union-attr]
                        return None
        return loop
    return None


def stops_at_quota(loop: ast.For | ast.AsyncFor) -> bool:
    """Whether a loop ends when there is enough: `if used >= quota: break`, whatever the element."""
    elements = {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
    for node in loop.body:
        if isinstance(node, ast.If) and any(isinstance(each, ast.Break) for each in node.body):
            asked = {inner.id for inner in ast.walk(node.test) if isinstance(inner, ast.Name)}
            compared = isinstance(node.test, ast.Compare) and isinstance(
                node.test.ops[0], ast.Gt | ast.GtE | ast.Lt | ast.LtE | ast.Eq
            )
            if compared and not asked & elements:
                return True
    return False


def has_places(module: Module, held: ast.expr) -> bool:
    """Whether what is filled has its places before: a list of some length."""
    values = module.names.values(held) if isinstance(held, ast.Name) else None
    return bool(values) and all(isinstance(value, ast.List | ast.BinOp) for value in values or ())
