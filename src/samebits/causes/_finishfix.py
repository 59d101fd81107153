"""Work in an order that repeats, in place of the order in which threads and processes finish."""

from __future__ import annotations

import ast
from typing import Final

from samebits.causes._edits import Draft, UnclearPlace
from samebits.causes._orderfix import as_dict, is_set, use_dict
from samebits.causes._patch import Patch
from samebits.causes._trace import calls_at, last_name, made
from samebits.model.sites import Site

#: Calls that give, or hand over, results in the order of finishing; `start` is a thread's.
_AS_FINISHED: Final = frozenset({"as_completed", "imap_unordered", "wait", "start", "apply_async"})


def take_in_order(patch: Patch, site: Site | None) -> str | None:
    """Results in the order in which their work was handed out."""
    draft = patch.draft(site)
    assert site is not None
    for node in draft.at(site.line):  # joblib's word, where it is one
        if isinstance(node, ast.Constant) and node.value == "generator_unordered":
            draft.replace(node, '"generator"')
            return None
    for call in calls_at(draft, site.line, _AS_FINISHED):
        name = last_name(call)
        if name == "imap_unordered":
            draft.rename(call, "imap")
            return None
        if name == "as_completed" and call.args:
            _in_submission_order(patch, draft, call.args[0])
            above, futures = draft.names.parent(call), draft.source(call.args[0])
            taken_singly = isinstance(above, ast.Call) and last_name(above) == "next"
            draft.replace(call, f"iter({futures})" if taken_singly else futures)
            return None
        if name == "wait" and call.args:
            _instead_of_done(patch, draft, call)
            return None
        if name == "start" and isinstance(draft.names.parent(call), ast.Expr):
            return _one_after_another(patch, draft, call)
        if name == "apply_async" and _instead_of_callback(draft, call):
            return None
    raise UnclearPlace("no call that can be put in order is on the line")


def _in_submission_order(patch: Patch, draft: Draft, futures: ast.expr) -> None:
    """Futures in a set have no order: they become the keys of a dict."""
    through: set[str] = set()
    makers = made(patch, draft, futures, through=through) or []
    sets = [(other, node) for other, node in makers if is_set(node)]
    for other, node in sets:
        if node is futures:
            raise UnclearPlace("the futures are made in the call")
        as_dict(other, node)
    if sets:
        use_dict(draft, through)


def _instead_of_done(patch: Patch, draft: Draft, call: ast.Call) -> None:
    """`done, _ = wait(futures)`: whoever iterates `done` iterates the futures."""
    above = draft.names.parent(call)
    target = above.targets[0] if isinstance(above, ast.Assign) else None
    if not isinstance(target, ast.Tuple) or not isinstance(target.elts[0], ast.Name):
        raise UnclearPlace("what becomes of the finished is not plain")
    done = target.elts[0].id
    futures = draft.source(call.args[0])
    if any(given.arg == "return_when" for given in call.keywords) or not isinstance(call.args[0], ast.Name):
        raise UnclearPlace("some of them alone are waited for")
    _in_submission_order(patch, draft, call.args[0])
    function = draft.names.function(call)
    uses = [
        node
        for node in ast.walk(draft.tree)
        if isinstance(node, ast.Name) and node.id == done and isinstance(node.ctx, ast.Load)
    ]
    for node in uses:
        if draft.names.function(node) is function:
            draft.replace(node, futures)


def _instead_of_callback(draft: Draft, call: ast.Call) -> bool:
    """`pool.apply_async(f, x, callback=rows.append)`: the list gets what came after the join, in order."""
    given = next((word for word in call.keywords if word.arg == "callback"), None)
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    match given:
        case ast.keyword(value=ast.Attribute(value=ast.Name() as rows, attr="append")) if owner is not None:
            pass
        case _:
            return False
    function, pool = draft.names.function(call), draft.source(owner)
    joins = [
        node
        for node in ast.walk(draft.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == f"{pool}.join"
        and draft.names.function(node) is function
        and node.lineno > call.lineno
    ]
    if len(joins) != 1 or not isinstance(draft.names.parent(call), ast.Expr):
        return False
    for node in ast.walk(draft.tree):
        if (
            not isinstance(node, ast.Name)
            or node.id != rows.id
            or node is rows
            or node.lineno > joins[0].lineno
        ):
            continue
        above = draft.names.parent(node)
        empty = isinstance(above, ast.Assign) and isinstance(above.value, ast.List) and not above.value.elts
        if draft.names.function(node) is function and not empty:
            return False  # it holds other things, or what has come is looked at before all has
    words = [*map(draft.source, call.args)]
    words += [f"{word.arg}={draft.source(word.value)}" for word in call.keywords if word is not given]
    draft.replace(call, f"{rows.id}.append({draft.source(call.func)}({', '.join(words)}))")
    draft.after(draft.statement(joins[0]), f"{rows.id}[:] = [each.get() for each in {rows.id}]")
    return True


def one_thread(patch: Patch) -> str:
    """A pool of one thread: what its work draws from one generator then comes in the order of the work."""
    pools = [
        (draft, node)
        for draft in patch.every()
        for node in ast.walk(draft.tree)
        if isinstance(node, ast.Call) and last_name(node) in _POOLS
    ]
    if len(pools) != 1:
        raise UnclearPlace("which pool's threads draw is not known")
    _wait_for_none(patch)
    ((draft, call),) = pools
    if call.args:
        draft.replace(call.args[0], "1")
    else:
        draft.keyword(call, _POOLS[last_name(call)], "1")
    return "one thread; more of them only where each item of work has a generator of its own"


#: Pools of threads, and the argument that says how many.
_POOLS: Final = {"ThreadPoolExecutor": "max_workers", "ThreadPool": "processes"}
#: What threads speak to each other with: one that waits for another cannot be run alone.
_SPEAKS: Final = frozenset(
    {
        "Queue",
        "SimpleQueue",
        "LifoQueue",
        "PriorityQueue",
        "Event",
        "Condition",
        "Barrier",
        "Semaphore",
        "Pipe",
    }
)


def _wait_for_none(patch: Patch) -> None:
    for draft in patch.every():
        for node in ast.walk(draft.tree):
            if isinstance(node, ast.Call) and last_name(node) in _SPEAKS:
                raise UnclearPlace("threads wait for each other")


def _one_after_another(patch: Patch, draft: Draft, call: ast.Call) -> str:
    """Threads that write to what they share: each begins when the one before has ended."""
    _wait_for_none(patch)
    joins = [
        node for node in ast.walk(draft.tree) if isinstance(node, ast.Call) and last_name(node) == "join"
    ]
    if not any(isinstance(node.func, ast.Attribute) and not node.args for node in joins):
        raise UnclearPlace("nothing waits for the thread")
    if not isinstance(call.func, ast.Attribute):
        raise UnclearPlace("it is no thread's method")
    draft.after(draft.statement(call), f"{draft.source(call.func.value)}.join()")
    return "one thread after the other; at the same time only where each returns what it made"
