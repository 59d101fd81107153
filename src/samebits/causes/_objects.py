"""Generator objects in a source: made with a seed, without one, or given one later."""

from __future__ import annotations

import ast
from typing import Final

from samebits.source.module import Module, last_name

_SEEDED_LATER: Final = frozenset({"seed", "setstate", "manual_seed", "set_state", "__setstate__"})


def is_empty(call: ast.Call) -> bool:
    """Whether a call gives nothing, or None."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return all(isinstance(value, ast.Constant) and value.value is None for value in given)


def made_without_seed(module: Module, call: ast.Call) -> bool:
    """Whether a generator object that a call makes has no seed, and gets none in the file."""
    return is_empty(call) and not _seeded_later(module, call)


def _seeded_later(module: Module, call: ast.Call) -> bool:
    """Whether the object may get a seed or a state after it is made; where it goes elsewhere, it may."""
    above = module.names.parent(call)
    if isinstance(above, ast.Attribute):
        return above.attr in _SEEDED_LATER
    if isinstance(above, ast.keyword | ast.Call):
        return False
    if not isinstance(above, ast.Assign | ast.AnnAssign):
        return not isinstance(above, ast.BoolOp | ast.IfExp)
    targets = above.targets if isinstance(above, ast.Assign) else [above.target]
    held = {ast.unparse(target) for target in targets}
    return any(
        isinstance(other.func, ast.Attribute)
        and last_name(other.func) in _SEEDED_LATER
        and ast.unparse(other.func.value) in held
        for other in module.every(ast.Call)
    )
