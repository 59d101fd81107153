"""Python's `random` is used without a seed: each process starts it from the operating system's entropy."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from samebits.causes._draws import PYTHON, drawing, of
from samebits.causes._evidence import spot, sure
from samebits.causes._patch import Patch, mends
from samebits.causes._scopes import Scopes
from samebits.causes._seedfix import seed_everything
from samebits.causes._seeds import made_unseeded, unseeded, weight
from samebits.model.cause import Cause, Evidence
from samebits.model.finding import Finding
from samebits.model.rule import Hit

_FIX = """\
import random
random.seed(0)  # once, at the start of the program, before anything draws"""
_FIX_OBJECT = """\
rng = random.Random(0)  # give every generator object a fixed seed"""


def match(evidence: Evidence) -> Finding | None:
    found = unseeded(evidence, PYTHON)
    if found is None:
        made = made_unseeded(evidence, PYTHON)
        if made is None:
            return None
        return Finding(
            sure(evidence, made, 0.7),
            made.site,
            f"{of(made)} is made without a seed at {spot(made.site)}, and a batch is the first that "
            "differs; what was drawn from it was not seen, perhaps in the workers of a loader.",
            _FIX_OBJECT,
            subject=made.detail,
        )
    draw = found.draw
    own = of(draw) != "python"
    maker = f" by {found.maker}" if found.maker else ""
    if own:
        what = f"a random.Random object made without a seed{maker}"
    elif found.reseeded:
        what = f"Python's random, which {spot(found.site)} seeds from the operating system"
    else:
        what = "Python's random, which was not seeded"
    return Finding(
        0.95 * weight(evidence, draw),
        found.site or draw.site,
        f"{drawing(draw)} gave the two runs different values: it draws from {what}.{found.also}",
        _FIX_OBJECT if own else _FIX,
        subject=draw.detail,
    )


#: The functions of `random` that draw from the module's own generator.
_DRAWS: Final = frozenset(
    f"random.{name}"
    for name in [
        "random",
        "uniform",
        "triangular",
        "betavariate",
        "expovariate",
        "gammavariate",
        "gauss",
        "lognormvariate",
        "normalvariate",
        "vonmisesvariate",
        "paretovariate",
        "weibullvariate",
        "binomialvariate",
        "randint",
        "randrange",
        "randbytes",
        "getrandbits",
        "choice",
        "choices",
        "shuffle",
        "sample",
    ]
)
#: Calls that seed other generators: a file that has one is where a program seeds.
_SEEDS_OTHERS: Final = frozenset(
    {"torch.manual_seed", "torch.random.manual_seed", "torch.cuda.manual_seed", "torch.cuda.manual_seed_all"}
    | {"numpy.random.seed"}
)
#: What a file of tests calls to run itself.
_TEST_RUNNERS: Final = frozenset(
    {"unittest.main", "pytest.main", "absltest.main", "run_tests", "run_unittest", "support.run_unittest"}
)


def rule(tree: ast.Module) -> Iterator[Hit]:
    names = Scopes(tree)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in calls:
        if names.called(call) == "random.Random" and _no_seed(call) and not _seeded_later(call, names, calls):
            yield Hit(
                call, "this random.Random() has no seed: every process starts it from entropy.", _FIX_OBJECT
            )
    seeds = [call for call in calls if _may_seed(call, names)]
    if any(names.function(call) is not None for call in seeds):
        return  # which of its functions are called, and when, the file does not say
    program = any(names.called(call) in _SEEDS_OTHERS for call in calls) or _is_started(tree)
    for call in calls:
        if names.called(call) in _DRAWS:
            at_once = names.function(call) is None
            seeded = any(call.lineno > seed.lineno for seed in seeds) if at_once else bool(seeds)
            if not seeded and (at_once or program):
                name = names.called(call)
                yield Hit(
                    call, f"{name}() draws from Python's random, which this program has not seeded.", _FIX
                )


def _no_seed(call: ast.Call) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return all(isinstance(value, ast.Constant) and value.value is None for value in given)


def _seeded_later(call: ast.Call, names: Scopes, calls: list[ast.Call]) -> bool:
    """Whether the object may get a seed or a state after it is made; where it goes elsewhere, it may."""
    above = names.parent(call)
    if isinstance(above, ast.Attribute):
        return above.attr in ("seed", "setstate")
    if not isinstance(above, ast.Assign | ast.AnnAssign):
        return True
    targets = above.targets if isinstance(above, ast.Assign) else [above.target]
    held = {ast.unparse(target) for target in targets}
    return any(
        isinstance(other.func, ast.Attribute)
        and other.func.attr in ("seed", "setstate")
        and ast.unparse(other.func.value) in held
        for other in calls
    )


def _may_seed(call: ast.Call, names: Scopes) -> bool:
    """`random.seed(3)`, `random.setstate(s)`, and what by its name seeds everything."""
    name = names.called(call)
    if name in _SEEDS_OTHERS:
        return False
    if name == "random.seed":
        return bool(call.args or call.keywords) and not _no_seed(call)
    if name == "random.setstate":
        return True
    if isinstance(call.func, ast.Attribute) and call.func.attr in ("manual_seed", "seed", "initial_seed"):
        return False  # of one generator
    words = _last(call).lower()
    return any(word in words for word in ("seed", "determin", "reproduc", "restore_rng", "isolated"))


def _last(call: ast.Call) -> str:
    """What is called, by its last name."""
    return ast.unparse(call.func).rpartition(".")[2]


def _is_started(tree: ast.Module) -> bool:
    """Whether the file is a program: it asks for `__name__ == "__main__"`.

    A file of tests that does so may as well be run by a runner, which may seed.
    """
    for node in tree.body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Compare):
            sides = [node.test.left, *node.test.comparators]
            tests = any(
                ast.unparse(inner.func) in _TEST_RUNNERS
                for inner in ast.walk(node)
                if isinstance(inner, ast.Call)
            )
            if any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides):
                return not tests
    return False


def _change(patch: Patch, finding: Finding) -> str | None:
    return seed_everything(patch, finding, "python")


CAUSE = Cause(
    name="unseeded-python-random",
    title="Python's random is not seeded",
    what="Draws from the `random` module, or from a `random.Random()` object, that nothing has seeded.",
    why="Every process starts `random` from the operating system's entropy. `torch.manual_seed` does not "
    "reach it, so shuffles, augmentations and samples taken with it differ from run to run.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/notes/randomness.html#python",
        "https://github.com/pytorch/pytorch/issues/7068",
        "https://docs.python.org/3/library/random.html#random.seed",
    ),
    match=match,
    mend=mends(_change),
    rule=rule,
    invalid=(
        "import random\nimport torch\n\ntorch.manual_seed(0)\norder = "
        "list(range(100))\nrandom.shuffle(order)\n",
        "import random\n\nrng = random.Random()\nangle = rng.uniform(-10, 10)\n",
    ),
    valid=(
        "import random\nimport torch\n\nrandom.seed(0)\ntorch.manual_seed(0)\norder = list(range(100))\n"
        "random.shuffle(order)\n",
        "import random\n\nrng = random.Random(0)\nangle = rng.uniform(-10, 10)\n",
    ),
)
