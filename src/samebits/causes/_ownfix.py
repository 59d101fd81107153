"""A generator of its own for a draw that does not happen in every run."""

from __future__ import annotations

import ast
from typing import Final

from samebits.causes._edits import Draft, UnclearPlace
from samebits.causes._patch import Patch
from samebits.causes._trace import calls_at, facts_at, last_name, made, mentions, once, repeated
from samebits.model import calls
from samebits.model.facts import Draw
from samebits.model.sites import Site

#: Functions of torch and `torch.utils.data`, and methods of tensors and `torch.nn.init`, with `generator=`.
_FUNCTIONS: Final = frozenset(
    {"rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "poisson", "random_split"}
)
_METHODS: Final = frozenset(
    {"normal_", "uniform_", "random_", "exponential_", "bernoulli_", "geometric_", "log_normal_", "cauchy_"}
    | {"multinomial", "bernoulli", "trunc_normal_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_"}
    | {"kaiming_normal_", "orthogonal_"}
)


def own_generator(patch: Patch, site: Site | None) -> str | None:
    """Draw there from a generator of its own, or, where that cannot be given, in streams of its own."""
    draft = patch.draft(site)
    assert site is not None
    rows = facts_at((*patch.evidence.a, *patch.evidence.b), site)
    if "/" in patch.evidence.divergence.process or any("/" in fact.process for fact in rows):
        raise UnclearPlace("each process would draw the same from it")
    if _of_numbers(patch, draft, site) or _of_torch(patch, draft, site) or _of_loader(patch, draft, site):
        return None
    statement = min(
        (node for node in draft.at(site.line) if isinstance(node, ast.stmt)),
        key=lambda node: (node.end_lineno or 0) - node.lineno,
        default=None,
    )
    if statement is None or isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        raise UnclearPlace("no statement draws there")
    if any(isinstance(node, ast.Yield | ast.YieldFrom | ast.Await) for node in ast.walk(statement)):
        raise UnclearPlace("the statement is left and entered again")
    draft.around(statement, f"with {draft.module('samebits')}.isolated():")
    return None


def own_stream_of_thread(patch: Patch, site: Site | None) -> bool:
    """Two threads draw from one generator: the one that is started once there gets a generator of its own."""
    draft = patch.draft(site)
    assert site is not None
    function = next((draft.names.function(node) for node in draft.at(site.line)), None)
    named = mentions(patch, getattr(function, "name", ""))
    if len(named) != 1 or repeated(named[0][0], named[0][1]):
        return False
    return _of_numbers(patch, draft, site, seen=True) or _of_torch(patch, draft, site)


def _of_numbers(patch: Patch, draft: Draft, site: Site, *, seen: bool = False) -> bool:
    """`random.uniform(0, 1)` or `np.random.rand(3)` of the process-wide generators."""
    rows = facts_at(patch.evidence.a, site, Draw) or facts_at(patch.evidence.b, site, Draw)
    if not (rows or seen):
        return False
    done = False
    for call in calls_at(draft, site.line, {*calls.PYTHON_DRAWS, *calls.NUMPY_DRAWS}):
        name = draft.names.called(call) or ""
        if not isinstance(call.func, ast.Attribute) or name.rpartition(".")[0] not in (
            "random",
            "numpy.random",
        ):
            continue
        python = name.startswith("random.")
        module = draft.module("random" if python else "numpy")
        maker = f"{module}.Random(1)" if python else f"{module}.random.RandomState(1)"
        draft.replace(call.func.value, _outside(draft, maker))
        done = True
    return done


def _of_torch(patch: Patch, draft: Draft, site: Site) -> bool:
    done = False
    for call in calls_at(draft, site.line, _FUNCTIONS | _METHODS):
        name = draft.names.called(call)
        of_torch = name is not None and name.startswith("torch.") and last_name(call) in _FUNCTIONS | _METHODS
        if not of_torch and (name is not None or last_name(call) not in _METHODS):
            continue
        if any(given.arg in ("generator", "device", None) for given in call.keywords):
            continue
        draft.keyword(call, "generator", _generator(patch, draft, call))
        done = True
    return done


def _of_loader(patch: Patch, draft: Draft, site: Site) -> bool:
    """`for x, y in loader:` draws the loader's seed: the loader gets a generator where it is made."""
    done = False
    for node in draft.at(site.line):
        if not isinstance(node, ast.For | ast.comprehension):
            continue
        for other, maker in made(patch, draft, node.iter) or []:
            if not isinstance(maker, ast.Call) or last_name(maker) != "DataLoader":
                continue
            if not any(given.arg in ("generator", None) for given in maker.keywords):
                other.keyword(maker, "generator", _generator(patch, other, maker))
                done = True
    return done


def _generator(patch: Patch, draft: Draft, call: ast.Call) -> str:
    maker = f"{draft.module('torch')}.Generator().manual_seed(1)"
    return maker if once(patch, draft, call) else _outside(draft, maker)


def _outside(draft: Draft, maker: str) -> str:
    """The name of a generator that is made once, at the module level."""
    name = draft.names_given.setdefault(maker, draft.free("OWN_GENERATOR"))
    draft.after_imports(f"{name} = {maker}  # drawn from here alone")
    return name
