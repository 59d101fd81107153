"""A seed for the generators of numba, which only a function that numba compiles reaches."""

from __future__ import annotations

import ast

from samebits.causes._edits import UnclearPlace
from samebits.causes._patch import Patch
from samebits.causes._startfix import other_processes
from samebits.model.facts import Draw
from samebits.model.sites import Site


def seed_compiled(patch: Patch, site: Site | None) -> None:
    """A compiled function that seeds, before the one that draws, called once as the file is loaded."""
    draft = patch.draft(site)
    assert site is not None
    function = next((draft.names.function(node) for node in draft.at(site.line)), None)
    if not isinstance(function, ast.FunctionDef) or not isinstance(draft.names.parent(function), ast.Module):
        raise UnclearPlace("the compiled function is made in another")
    compiler = next((each for each in function.decorator_list if "jit" in ast.unparse(each)), None)
    draws = {
        draft.source(node.func.value)
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and draft.source(node.func.value).split(".")[-1] == "random"
    }
    if compiler is None or not draws or "parallel" in ast.unparse(compiler):
        raise UnclearPlace("each thread has a generator of its own")
    rows = [
        fact
        for fact in patch.evidence.a
        if isinstance(fact.detail, Draw) and fact.detail.generator == "numba"
    ]
    if any("/" in fact.process for fact in rows) or other_processes(patch, site, Draw):
        raise UnclearPlace("each process would draw the same from it")
    seed = draft.free("seed_compiled")
    draft.before(
        function,
        f"@{draft.source(compiler)}",
        f"def {seed}(value):",
        *(f"    {module}.seed(value)" for module in sorted(draws)),
        "",
        "",
        f"{seed}(0)  # numba's generators, which no seed outside of a compiled function reaches",
        "",
        "",
    )
