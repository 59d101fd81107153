"""Queues that several processes or threads fill: what is taken from one comes in the order of finishing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from samebits.causes._nodes import is_repeated
from samebits.model.rule import Hit
from samebits.source.module import FunctionNode, Module, argument, keyword, last_name
from samebits.source.order import Orders, Use
from samebits.source.sums import adds_floats
from samebits.source.variables import written

_QUEUES: Final = frozenset({"Queue", "SimpleQueue", "JoinableQueue", "LifoQueue"})
_WORKERS: Final = frozenset({"Process", "Thread"})
_PUTS: Final = frozenset({"put", "put_nowait"})
_GETS: Final = frozenset({"get", "get_nowait"})

_FIX: Final = """\
# put (number, item), and take the items in the order of their numbers:
results = [item for _, item in sorted((queue.get() for _ in workers), key=lambda pair: pair[0])]"""


def queued(module: Module, orders: Orders) -> Iterator[Hit]:
    """Places that take what several workers put into one queue, and keep the order."""
    filled: dict[tuple[ast.AST | None, str], bool] = {}
    for call, _, last in module.calls:
        if last not in _GETS or not isinstance(call.func, ast.Attribute):
            continue
        queue = call.func.value
        if not isinstance(queue, ast.Name) or not _is_queue(module, queue):
            continue
        key = module.names.home(queue), queue.id
        if key not in filled:
            filled[key] = _has_several(module, queue)
        if filled[key] and (use := _kept(module, orders, call)) is not None:
            why = f"{use.does} {written(call.func)}(), which several workers fill in the order of finishing."
            yield Hit(module.place(call), why, _FIX, returned_by=use.returned_by)


def _is_queue(module: Module, name: ast.Name) -> bool:
    values = module.names.values(name) or ()
    return bool(values) and all(
        isinstance(value, ast.Call) and last_name(value.func) in _QUEUES for value in values
    )


def _has_several(module: Module, queue: ast.Name) -> bool:
    """Whether workers that are started in a loop get the queue, and put into it."""
    for call, _, last in module.calls:
        if last not in _WORKERS or not is_repeated(module, call):
            continue
        target = argument(call, 1, "target")
        body = module.names.definition(target) if isinstance(target, ast.Name) else None
        if not isinstance(body, FunctionNode):
            continue
        names = _given_as(module, call, body, queue)
        if any(
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _PUTS
            and isinstance(node.func.value, ast.Name)
            and (
                node.func.value.id in names
                or (node.func.value.id == queue.id and _same(module, node.func.value, queue))
            )
            for node in module.within(body)
        ):
            return True
    return False


def _same(module: Module, one: ast.Name, other: ast.Name) -> bool:
    return module.names.home(one) is module.names.home(other)


def _given_as(module: Module, call: ast.Call, body: FunctionNode, queue: ast.Name) -> set[str]:
    """The parameters of a worker's function that the queue is given as."""
    found: set[str] = set()
    given, named = keyword(call, "args"), keyword(call, "kwargs")
    parameters = [one.arg for one in (*body.args.posonlyargs, *body.args.args)]
    if isinstance(given, ast.Tuple | ast.List):
        for name, value in zip(parameters, given.elts, strict=False):
            if isinstance(value, ast.Name) and value.id == queue.id and _same(module, value, queue):
                found.add(name)
    if isinstance(named, ast.Dict):
        for key, value in zip(named.keys, named.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(value, ast.Name) and value.id == queue.id:
                found.add(str(key.value))
    return found


def _kept(module: Module, orders: Orders, call: ast.Call) -> Use | None:
    """What keeps the order in which a loop, or a comprehension, takes from a queue."""
    for above in module.names.parents(call):
        if isinstance(above, ast.ListComp | ast.GeneratorExp):
            if module.names.called(module.names.parent(above)) == "dict":  # type: ignore[arg-type]
                return None  # of pairs: who asks it by a key has no order
            if (use := orders.use(above)) is not None:
                return use
            return None if orders.lost(above) else Use("a list is filled in the order of")
        if isinstance(above, ast.stmt | ast.Lambda):
            break
    loop = next(module.loops(call), None)
    return None if loop is None else _kept_by(orders, loop, call, module.statement(call))


def _kept_by(
    orders: Orders, loop: ast.For | ast.AsyncFor | ast.While, call: ast.Call, taking: ast.stmt
) -> Use | None:
    """What a loop does with what it takes from a queue in each turn."""
    targets = taking.targets if isinstance(taking, ast.Assign) else []
    taken = {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
    for statement in loop.body:
        for node in ast.walk(statement):
            match node:
                case ast.Call(func=ast.Attribute(value=held, attr="append" | "extend"), args=[given]):
                    use = orders.filled(held) if _mentions(given, call, taken) else None
                    if use is not None and not orders.variables.is_made_in(held, _for(loop)):
                        return use
                case ast.Yield(value=ast.expr() as given) if _mentions(given, call, taken):
                    return Use("values are yielded in the order of")
                case ast.AugAssign(value=given) if isinstance(loop, ast.For | ast.AsyncFor):
                    if _mentions(given, call, taken) and adds_floats(orders.variables, node, loop):
                        return Use("floats are added in the order of")
                case _:
                    pass
    return None


def _for(loop: ast.For | ast.AsyncFor | ast.While) -> ast.For | ast.AsyncFor | None:
    return None if isinstance(loop, ast.While) else loop


def _mentions(node: ast.expr, call: ast.Call, names: set[str]) -> bool:
    return any(
        inner is call or (isinstance(inner, ast.Name) and inner.id in names) for inner in ast.walk(node)
    )
