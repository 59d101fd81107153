"""What a source takes as threads and processes finish: results of a pool, futures, callbacks, lists."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Final

from samebits.causes._edits import Draft, UnclearPlace
from samebits.causes._nodes import call_of, is_repeated, named_calls
from samebits.causes._queues import queued
from samebits.causes._sortfix import CHANGES, is_taken_whole
from samebits.model.rule import Hit
from samebits.source.module import FunctionNode, Module, argument, is_constant, keyword, last_name
from samebits.source.order import Orders, Use
from samebits.source.project import is_test
from samebits.source.sums import adds_floats
from samebits.source.variables import Variables

_COMPLETED: Final = frozenset(
    {"concurrent.futures.as_completed", "asyncio.as_completed", "concurrent.futures._base.as_completed"}
    | {"dask.distributed.as_completed", "distributed.as_completed"}
)
_WAITS: Final = frozenset({"concurrent.futures.wait", "asyncio.wait"})
_UNORDERED: Final = frozenset({"imap_unordered", "uimap", "map_unordered"})
_WORDS: Final = ("as_completed", "unordered", "in_order", "callback", "Thread", "wait(", "uimap", "Queue")
_THREADS: Final = frozenset({"threading.Thread", "multiprocessing.dummy.Process", "threading.Timer"})

_FIX: Final = """\
with ThreadPoolExecutor() as pool:
    results = list(pool.map(work, items))  # the order of items, whoever finishes first"""
_FIX_LOADER: Final = """\
loader = DataLoader(dataset, num_workers=4, in_order=True)  # batches in the sampler's order"""
_FIX_CALLBACK: Final = """\
futures = [pool.apply_async(work, (item,)) for item in items]
results = [future.get() for future in futures]  # the order of items; a callback runs as each finishes"""


def finishing(module: Module) -> Iterator[Hit]:
    """Places where the order of finishing is kept."""
    if not any(word in module.text for word in _WORDS) or is_test(module.file):
        return
    orders = Orders(module, written=True, sums=True)
    if "Queue" in module.text:
        yield from queued(module, orders)
    for call, name, last in named_calls(module):
        if name in _COMPLETED or (last == "as_completed" and _is_executor(module, call)):
            yield from _hit(module, call, orders.use(call), f"{last}()", in_submission_order)
        elif last in _UNORDERED and isinstance(call.func, ast.Attribute):
            yield from _hit(module, call, orders.use(call), f"{last}()", _ordered_map)
        elif name is None and (alias := _alias(module, call.func)) is not None:
            yield from _hit(module, call, orders.use(call), f"{alias}()", None)
        elif name in _WAITS:
            yield from _hit(module, call, _done(orders, call), f"the set that {last}() gives", None)
        elif last == "DataLoader" and is_constant(keyword(call, "in_order"), False):
            yield from _loader(module, call)
        elif last in ("apply_async", "map_async", "starmap_async", "add_done_callback", "submit"):
            yield from _callback(module, orders, call, last)
        elif name in _THREADS:
            yield from _thread(module, orders, call)


def _alias(module: Module, function: ast.expr) -> str | None:
    """The method that gives results as they come which a variable is: `run = pool.imap_unordered`."""
    values = module.names.values(function) if isinstance(function, ast.Name) else None
    if not values or not all(isinstance(value, ast.Attribute) for value in values):
        return None
    named = {last_name(value) for value in values}
    return named.pop() if len(named) == 1 and named <= _UNORDERED else None


def _is_executor(module: Module, call: ast.Call) -> bool:
    """`futures.as_completed` of something that is no import that is known, with a list of futures."""
    return module.names.called(call) is None and isinstance(call.func, ast.Attribute) and bool(call.args)


def _hit(
    module: Module, call: ast.Call, use: Use | None, what: str, mend: Callable[[Draft, ast.AST], None] | None
) -> Iterator[Hit]:
    if use is None:
        return
    yield Hit(
        module.place(call),
        f"{use.does} {what}, which is the order of finishing.",
        _FIX,
        mend=mend,
        safe=mend is not None,
        returned_by=None if _is_taken_apart(module, use.returned_by) else use.returned_by,
    )


def _is_taken_apart(module: Module, returned_by: str | None) -> bool:
    """Whether the file takes one by its place of what a function returns: `rows = run(xs)`, `rows[0]`."""
    if returned_by is None:
        return False
    variables = Variables(module)
    for call, _, last in module.calls:
        above = module.names.parent(call) if last == returned_by.rpartition(".")[2] else None
        if isinstance(above, ast.Subscript):
            return True
        if isinstance(above, ast.Assign) and any(
            isinstance(module.names.parent(load), ast.Subscript) for load in variables.loads(above.targets[0])
        ):
            return not variables.is_sorted(above.targets[0])
    return False


def _done(orders: Orders, call: ast.Call) -> Use | None:
    """`done, _ = wait(futures)`: what iterates over `done`."""
    above = orders.names.parent(call)
    if isinstance(above, ast.Await):
        above = orders.names.parent(above)
    if not isinstance(above, ast.Assign) or not isinstance(above.targets[0], ast.Tuple):
        return None
    first = above.targets[0].elts[0]
    for load in orders.variables.loads(first) if isinstance(first, ast.Name) else ():
        if (use := orders.use(load)) is not None:
            return use
    return None


def _loader(module: Module, call: ast.Call) -> Iterator[Hit]:
    workers = keyword(call, "num_workers")
    if workers is None or is_constant(workers, 0):
        return
    yield Hit(
        module.place(call),
        "this DataLoader gives batches in the order in which its workers finish them (in_order=False).",
        _FIX_LOADER,
        mend=_in_order,
        safe=True,
    )


def _callback(module: Module, orders: Orders, call: ast.Call, last: str) -> Iterator[Hit]:
    given = keyword(call, "callback") if last.endswith("async") else None
    if last == "add_done_callback" and call.args:
        given = call.args[0]
    if given is None or last in ("map_async", "starmap_async"):
        return
    if module.function(call) is None and not is_repeated(module, call):
        return
    held = _appended(module, given)
    if held is None or orders.variables.is_sorted(held):
        return
    if orders.filled(held) is not None:
        yield Hit(
            module.place(call),
            "its callback appends to a list as each task finishes, which is no order of their own.",
            _FIX_CALLBACK,
        )


def _appended(module: Module, given: ast.expr) -> ast.expr | None:
    """The list that a function appends what it gets to: `rows.append`, a lambda or a function of the file."""
    if isinstance(given, ast.Attribute):
        if given.attr in ("append", "extend"):
            return given.value
        return None
    body: ast.AST | None = None
    if isinstance(given, ast.Lambda):
        body = given.body
    elif isinstance(given, ast.Name):
        body = module.names.definition(given)
    return None if body is None else _filled_by(module, body)


def _filled_by(module: Module, body: ast.AST) -> ast.expr | None:
    """The list outside of a function to which it appends."""
    for node in ast.walk(body):
        if isinstance(node, ast.Call) and last_name(node.func) in ("append", "extend"):
            held = node.func.value if isinstance(node.func, ast.Attribute) else None
            if isinstance(held, ast.Name):
                if not isinstance(body, FunctionNode) or module.names.home(held) is not body:
                    return held
            elif isinstance(held, ast.Attribute) and isinstance(held.value, ast.Name):
                return held
    return None


def _thread(module: Module, orders: Orders, call: ast.Call) -> Iterator[Hit]:
    """Threads, several of them, that append to one list, or add to one sum."""
    if not is_repeated(module, call):
        return
    target = argument(call, 1, "target")
    body: ast.AST | None = None
    if isinstance(target, ast.Name):
        body = module.names.definition(target)
    elif isinstance(target, ast.Attribute) and (owner := module.class_of(call)) is not None:
        body = module.names.defined.get(owner, {}).get(target.attr)
    if not isinstance(body, FunctionNode):
        return
    if (total := _summed_by(orders, body)) is not None:
        yield Hit(
            module.place(call),
            f"these threads add floats to {module.source(total)}, in the order in which they come to it.",
            _FIX,
            places=((module.place(total), "the sum that they share"),),
        )
        return
    held = _filled_by(module, body)
    if held is None or orders.variables.is_sorted(held) or orders.filled(held) is None:
        return
    yield Hit(
        module.place(call),
        "these threads append to one list, in the order in which they come to it.",
        _FIX,
        places=((module.place(held), "the list that they share"),),
    )


def _summed_by(orders: Orders, body: FunctionNode) -> ast.expr | None:
    """The sum of floats outside of a function to which it adds."""
    module = orders.module
    shared = {name for node in module.within(body) if isinstance(node, ast.Global) for name in node.names}
    for node in module.within(body):
        if isinstance(node, ast.AugAssign):
            target = node.target
            outside = isinstance(target, ast.Attribute) or last_name(target) in shared
            if outside and adds_floats(orders.variables, node):
                return target
    return None


def in_submission_order(draft: Draft, node: ast.AST) -> None:
    """`as_completed(futures)` becomes `futures`, where that is a list or the keys of a dict."""
    call = call_of(draft, node, {"as_completed"})
    futures = call.args[0] if len(call.args) == 1 and not call.keywords else None
    values = draft.names.values(futures) if isinstance(futures, ast.Name) else None
    ordered = ast.List | ast.ListComp | ast.Dict | ast.DictComp
    if not values or not all(isinstance(value, ordered) for value in values):
        raise UnclearPlace("whether the futures have an order is not known")
    above = draft.names.parent(call)
    if isinstance(above, ast.Call) and last_name(above.func) == "next":
        raise UnclearPlace("the first that is finished is asked for")
    if not is_taken_whole(draft, call):
        raise UnclearPlace("it is used as an iterator")
    assert isinstance(futures, ast.Name)
    changes = isinstance(above, ast.For) and _changes(draft, above, futures.id)
    draft.replace(call, f"list({futures.id})" if changes else futures.id)


def _changes(draft: Draft, loop: ast.For, name: str) -> bool:
    """Whether the body of a loop changes a list or a dict: nobody can go through that at the same time."""
    for node in (each for statement in loop.body for each in ast.walk(statement)):
        above = draft.names.parent(node)
        if isinstance(node, ast.Name) and node.id == name:
            if isinstance(above, ast.Attribute) and above.attr in CHANGES:
                return True
            if isinstance(above, ast.Subscript) and not isinstance(above.ctx, ast.Load):
                return True
    return False


def _ordered_map(draft: Draft, node: ast.AST) -> None:
    call = call_of(draft, node, _UNORDERED)
    if last_name(call.func) == "map_unordered":
        raise UnclearPlace("what gives the results in order is not known")
    draft.rename(call, "imap")


def _in_order(draft: Draft, node: ast.AST) -> None:
    draft.keyword(call_of(draft, node, {"DataLoader"}), "in_order", "True")
