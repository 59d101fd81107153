"""Generator objects in a source: made with a seed, without one, or given one later."""

from __future__ import annotations

import ast
from typing import Final

from samebits.causes._edits import Draft, UnclearPlace
from samebits.source.module import Module, last_name

_REPEATS: Final = (
    *(ast.For, ast.AsyncFor, ast.While, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)
_SEEDED_LATER: Final = frozenset({"seed", "setstate", "manual_seed", "set_state", "__setstate__"})


def is_empty(call: ast.Call) -> bool:
    """Whether a call gives nothing, or None."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return all(isinstance(value, ast.Constant) and value.value is None for value in given)


def made_without_seed(module: Module, call: ast.Call) -> bool:
    """Whether a generator object that a call makes has no seed, and gets none in the file."""
    return is_empty(call) and not _seeded_later(module, call)


def _is_fallback(module: Module, node: ast.stmt) -> bool:
    """Whether a statement is what happens where none was given: `if rng is None: rng = default_rng()`."""
    above = module.names.parent(node)
    return (
        isinstance(above, ast.If)
        and isinstance(above.test, ast.Compare | ast.UnaryOp | ast.Name)
        and any(isinstance(inner, ast.Constant) and inner.value is None for inner in ast.walk(above.test))
    )


def _seeded_later(module: Module, call: ast.Call) -> bool:
    """Whether the object may get a seed or a state after it is made; where it goes elsewhere, it may."""
    above = module.names.parent(call)
    if isinstance(above, ast.Attribute):
        return above.attr in _SEEDED_LATER
    if isinstance(above, ast.keyword | ast.Call):
        return False
    if not isinstance(above, ast.Assign | ast.AnnAssign) or _is_fallback(module, above):
        return True
    targets = above.targets if isinstance(above, ast.Assign) else [above.target]
    held = {ast.unparse(target) for target in targets}
    if any(isinstance(target, ast.Attribute) for target in targets) and any(
        other is not above and isinstance(other.value, ast.Call) and other.value.args
        for other in module.every(ast.Assign)
        if any(isinstance(each, ast.Attribute) and ast.unparse(each) in held for each in other.targets)
    ):
        return True  # another is made before it is drawn from, from a seed
    return any(
        isinstance(other.func, ast.Attribute)
        and last_name(other.func) in _SEEDED_LATER
        and ast.unparse(other.func.value) in held
        for other in module.every(ast.Call)
    )


def give_seed(draft: Draft, node: ast.Call) -> None:
    """Make the generator object of a call start from a fixed seed."""
    only_once(draft, node)
    if "\n" in draft.source(node) or "#" in draft.source(node):
        raise UnclearPlace("there is more in the call than its words")
    draft.replace(node, f"{draft.source(node.func)}(0)")


def only_once(draft: Draft, node: ast.AST) -> None:
    """That a place runs once: with a fixed seed each of several turns would draw the same numbers.

    Raises:
        UnclearPlace: it is in a loop, or in a function but `main`.
    """
    for above in draft.names.parents(node):
        function = isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef) and above.name != "main"
        if function or isinstance(above, _REPEATS):
            raise UnclearPlace("it may run more than once, and would draw the same numbers each time")
