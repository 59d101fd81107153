"""The same seed is set in every turn of a training loop, or for every sample: all of them draw alike."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from samebits.causes._evaluating import evaluates
from samebits.causes._generator_calls import draws
from samebits.model.cause import Cause
from samebits.model.rule import Hit, Rule
from samebits.source.module import FunctionNode, Module, keyword
from samebits.source.project import Project, is_test
from samebits.source.summary import MODULE, Function, SourceStep

_FIX = """\
torch.manual_seed(0)  # once, before the loop
for step in range(steps):
    noise = torch.randn(8)"""
#: Functions that seed a generator of the process, by full name.
_SEEDERS: Final = frozenset(
    {"torch.manual_seed", "torch.random.manual_seed", "numpy.random.seed", "random.seed"}
)
#: What makes a generator from its first argument.
_MAKERS: Final = frozenset({"numpy.random.default_rng", "numpy.random.RandomState", "random.Random"})
_EVERYTHING: Final = re.compile(
    r"^(set|fix|init|seed)_?(all|random|everything|rng|global)?_?seeds?$|^seed_?(everything|all)$"
)
#: Methods that run for every sample or step.
_PER_SAMPLE: Final = frozenset(
    {
        "forward",
        "__getitem__",
        "__getitems__",
        "__call__",
        "training_step",
        "train_step",
        "transform",
        "augment",
    }
)
#: Names of what a training loop runs over.
_STEPS: Final = re.compile(
    r"epoch|step|iter|batch|loader|_(x|y)$|inputs?|images?|samples?|target|label|episode|^(i|it|x|data)$"
)
_RESTORES: Final = re.compile(r"(set_rng_state|setstate|set_state|fork_rng|isolat|preserve|restore)")
_TRIALS: Final = re.compile(
    r"seed|fold|trial|run|config|exp|model|lr|param|method|name|width|depth|variant|arm|setting"
)


def _number(module: Module, call: ast.Call, name: str | None, last: str) -> ast.expr | None:
    """The seed that a call gives, if it seeds or makes a generator."""
    if name in _SEEDERS or name in _MAKERS:
        given = call.args[0] if call.args else keyword(call, "seed")
    elif last == "manual_seed" and isinstance(call.func, ast.Attribute):
        owner = call.func.value
        made = isinstance(owner, ast.Call) and module.names.called(owner) == "torch.Generator"
        given = call.args[0] if call.args and (made or isinstance(owner, ast.Name | ast.Attribute)) else None
        if name is not None and name.startswith("torch.cuda."):
            return None
    elif _EVERYTHING.match(last):
        given = call.args[0] if call.args else keyword(call, "seed")
    else:
        return _default(module, call)
    return given if given is not None else _default(module, call)


def _default(module: Module, call: ast.Call) -> ast.expr | None:
    """The default of the parameter that a function of the file seeds with, where a call gives nothing."""
    function = module.names.definition(call.func) if isinstance(call.func, ast.Name) else None
    if not isinstance(function, FunctionNode) or call.args or call.keywords:
        return None
    parameters = [one.arg for one in function.args.args]
    defaults = dict(zip(reversed(parameters), reversed(function.args.defaults), strict=False))
    for inner in ast.walk(function):
        if isinstance(inner, ast.Call) and module.names.called(inner) in _SEEDERS and inner.args:
            given = inner.args[0]
            if isinstance(given, ast.Name) and given.id in defaults:
                return defaults[given.id]
    return None


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _turns(loop: ast.For | ast.AsyncFor | ast.While) -> set[str]:
    """The names that a loop gives another value in its turns."""
    return {
        inner.id
        for inner in ast.walk(loop)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
    }


def _trains(loop: ast.For | ast.AsyncFor | ast.While) -> bool:
    """Whether a loop is one over steps or epochs, and none over trials that each begin anew."""
    if isinstance(loop, ast.While):
        names = _names(loop.test)
    else:
        names = _names(loop.target)
        if any(_TRIALS.search(name) for name in names):
            return False
        names |= _names(loop.iter)
    return any(_STEPS.search(name) for name in names)


def _reads_calls(node: ast.expr) -> bool:
    """Whether a seed is computed by a call, of what may differ."""
    return any(isinstance(inner, ast.Call) for inner in ast.walk(node))


def _restored(module: Module, node: ast.AST) -> bool:
    """Whether the function around puts the generators back, or isolates them."""
    scope: ast.AST = module.function(node) or module.tree
    for inner in ast.walk(scope):
        if isinstance(inner, ast.Attribute | ast.Name):
            name = inner.attr if isinstance(inner, ast.Attribute) else inner.id
            if _RESTORES.search(name):
                return True
    return False


def rule(module: Module) -> Iterator[Hit]:
    if "seed" not in module.text and "rng" not in module.text and "Random" not in module.text:
        return
    for call, name, last in module.calls:
        given = _number(module, call, name, last)
        if given is None or _reads_calls(given) or (isinstance(given, ast.Constant) and given.value is None):
            continue
        made = name in _MAKERS
        where = _where(module, call, given, made)
        if where is None or _restored(module, call):
            continue
        does = "makes a generator that starts from" if made else "sets"
        yield Hit(
            module.place(call),
            f"{last}() {does} the same seed {where}: each draws the same numbers.",
            _FIX,
        )


def _where(module: Module, call: ast.Call, given: ast.expr, made: bool) -> str | None:
    function = module.function(call)
    names = _names(given)
    loops = list(module.loops(call))
    if any(names & _turns(loop) for loop in loops):
        return None
    if any(_trains(loop) for loop in loops):
        return "in every turn of the loop"
    if function is None or loops or function.name not in _PER_SAMPLE:
        return None
    if function.name == "__call__" and not _is_transform(module, function):
        return None
    parameters = {one.arg for one in function.args.args[1:]} | {
        inner.id
        for inner in ast.walk(function)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
    }
    changing = any(
        isinstance(inner, ast.Attribute) and re.search(r"epoch|index|idx|step|count", inner.attr)
        for inner in ast.walk(given)
    )
    if names & parameters or changing or _sets(function, given):
        return None
    return f"each time that {function.name}() runs"


def rule_of_functions(project: Project) -> Iterator[Hit]:
    """A function that starts from a fixed seed each time, and that something calls in a loop."""
    for file, summary in project.files.items():
        if is_test(file):
            continue
        for function in summary.functions.values():
            step = next((each for each in function.steps if _fixed(each)), None)
            if step is None or function.last in (*_PER_SAMPLE, "main", MODULE) or _is_a_trial(function):
                continue
            if evaluates(function.last) or any(
                _RESTORES.search(name) for name in (*step.within, *function.reads)
            ):
                continue
            if not _draws(function):
                continue
            for where, caller, call in project.callers.get((file, function.name), ()):
                if call.loops > 0 and not is_test(where) and caller.last != MODULE:
                    yield Hit(
                        step.place,
                        f"{step.attr}() starts {function.last}() from the same seed each time, and it is "
                        "called in a loop: each turn draws the same numbers.",
                        _FIX,
                        places=((call.place, "it is called in a loop here"),),
                    )
                    break


def _fixed(step: SourceStep) -> bool:
    """Whether a step seeds, or makes a generator, with a number that is written there."""
    if step.kind != "call" or step.loops or step.name not in _SEEDERS | _MAKERS or "if" in step.within:
        return False
    given = step.given(0, "seed")
    return given is not None and given.constant and given.text != "None"


def _is_a_trial(function: Function) -> bool:
    """Whether a function is a whole run: it trains, or makes what is trained."""
    return any(
        step.kind == "call"
        and (
            step.attr in ("backward", "fit", "zero_grad")
            or (step.name or "").startswith(("torch.optim.", "torch.nn."))
        )
        for step in function.steps
    )


def _draws(function: Function) -> bool:
    """Whether a function does more than to seed."""
    made = {step.target for step in function.steps if step.name in _MAKERS}
    return any(
        bool(draws(step)) or (step.kind == "call" and step.owner in made and bool(made))
        for step in function.steps
    )


def _is_transform(module: Module, function: FunctionNode) -> bool:
    given = function.args.args
    return len(given) == 2 and "worker" not in given[1].arg and module.class_of(function) is not None


def _sets(function: FunctionNode, given: ast.expr) -> bool:
    """Whether the attribute that is the seed is changed in the function."""
    attributes = {inner.attr for inner in ast.walk(given) if isinstance(inner, ast.Attribute)}
    return any(
        isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store) and inner.attr in attributes
        for inner in ast.walk(function)
    )


CAUSE = Cause(
    name="reseeded-in-loop",
    title="The same seed is set again and again",
    what="A seed that does not change is set in every turn of a training loop, in `forward`, in "
    "`__getitem__` or in a transform; or a generator is made there from such a seed.",
    why="Every step, epoch or sample then draws the same numbers: one dropout mask, one augmentation, one "
    "noise. The run repeats, and what it trains with is not random.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/generated/torch.manual_seed.html",
        "https://docs.pytorch.org/docs/stable/notes/randomness.html",
    ),
    rule=Rule(file=rule, project=rule_of_functions),
    invalid=(
        "import torch\n\nfor step in range(100):\n    torch.manual_seed(0)\n    noise = torch.randn(8)\n",
        "import numpy as np\n\n\nclass Images:\n    def __getitem__(self, index):\n"
        "        rng = np.random.default_rng(0)\n        return self.images[index] + rng.normal()\n",
    ),
    valid=(
        "import torch\n\ntorch.manual_seed(0)\nfor step in range(100):\n    noise = torch.randn(8)\n",
        "import numpy as np\n\n\nclass Images:\n    def __getitem__(self, index):\n"
        "        rng = np.random.default_rng([0, index])\n        return self.images[index] + rng.normal()\n",
    ),
)
