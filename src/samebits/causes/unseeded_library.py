"""A library draws from a generator of its own, which torch's and numpy's seeds do not reach."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from samebits.causes._edits import Draft
from samebits.model.cause import Cause
from samebits.model.rule import Hit, Rule
from samebits.source.module import Module, keyword
from samebits.source.project import Project, is_test
from samebits.source.summary import SourceStep

_FIX = """\
imgaug.seed(0)                          # once, before augmenters are made
A.Compose([A.HorizontalFlip()], seed=0)
env.action_space.seed(0)
env.reset(seed=0)"""
#: Transforms of albumentations that draw nothing.
_PLAIN: Final = frozenset(
    {"Normalize", "Resize", "ToTensorV2", "ToTensor", "PadIfNeeded", "CenterCrop", "Crop", "LongestMaxSize"}
    | {"SmallestMaxSize", "ToFloat", "FromFloat", "Compose", "Sequential", "NoOp"}
)
_SPACES: Final = ("gymnasium", "gym")


def _albumentations(module: Module) -> Iterator[Hit]:
    if "albumentations" not in module.text:
        return
    for call, name, last in module.calls:
        if last not in ("Compose", "ReplayCompose") or not (name or "").startswith("albumentations"):
            continue
        if keyword(call, "seed") is not None or any(given.arg is None for given in call.keywords):
            continue
        if any(isinstance(above, ast.Call) for above in module.names.parents(call)) and not call.args:
            continue
        if (module.kinds and not _random(module, call)) or "set_random_seed" in module.text:
            continue
        yield Hit(
            module.place(call),
            f"this {last} draws from a generator of its own, which starts from entropy without seed=.",
            "A.Compose([A.HorizontalFlip()], seed=0)",
            mend=_give_seed,
        )


def _random(module: Module, call: ast.Call) -> bool:
    """Whether a transform among those that are composed is random, or they are not known."""
    inner = [
        module.names.qualified(each.func) or ""
        for each in ast.walk(call)
        if isinstance(each, ast.Call) and each is not call
    ]
    inner = [name for name in inner if name.startswith("albumentations")]
    return not inner or any(name.rpartition(".")[2] not in _PLAIN for name in inner)


def _give_seed(draft: Draft, node: ast.Call) -> None:
    draft.keyword(node, "seed", "0")


def _numba(module: Module) -> Iterator[Hit]:
    """What numba compiles draws from numba's own generators: a seed counts in a compiled function alone."""
    if "numba" not in module.text:
        return
    drawn: ast.Call | None = None
    for call, name, last in module.calls:
        if not (name or "").startswith(("numpy.random.", "random.")):
            continue
        function = module.function(call)
        if function is None or not any(_compiles(module, one) for one in function.decorator_list):
            continue
        if last == "seed":
            return
        if drawn is None:
            drawn = call
    if drawn is not None:
        yield Hit(
            module.place(drawn),
            "a function that numba compiles draws from numba's own generator, which np.random.seed() outside "
            "of one does not reach.",
            "@numba.njit\ndef seed(value):\n    np.random.seed(value)\n\nseed(0)",
        )


def _compiles(module: Module, decorator: ast.expr) -> bool:
    function = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = module.names.qualified(function) or ""
    return name.startswith("numba.") and "jit" in name.rpartition(".")[2]


def file_rule(module: Module) -> Iterator[Hit]:
    if not is_test(module.file):
        yield from _albumentations(module)
        yield from _numba(module)


def _imgaug(project: Project) -> Iterator[Hit]:
    made: dict[str, SourceStep] = {}
    for file, _, step in project.steps():
        name = step.name or ""
        if step.kind == "call" and name.startswith("imgaug") and "seed" in step.attr:
            return
        if (
            step.kind != "call"
            or not name.startswith(("imgaug.augmenters.", "imgaug.augmenter"))
            or is_test(file)
        ):
            continue
        if not {"seed", "random_state", "deterministic"} & set(step.keywords):
            made.setdefault(file, step)
    for step in made.values():
        yield Hit(
            step.place,
            f"imgaug's {step.attr}() draws from imgaug's own generator, and nothing in the project seeds it.",
            "import imgaug\nimgaug.seed(0)  # and in each worker of a loader, in its worker_init_fn",
        )


def _gymnasium(project: Project) -> Iterator[Hit]:
    for file, summary in project.files.items():
        if not any(full.partition(".")[0] in _SPACES for full in summary.imports.values()) or is_test(file):
            continue
        steps = [
            step for function in summary.functions.values() for step in function.steps if step.kind == "call"
        ]
        makes = [step for step in steps if step.attr == "make" and (step.name or "").startswith(_SPACES)]
        if not makes:
            continue
        seeding = [step for step in steps if step.attr == "seed" and "space" in step.owner]
        old = any(step.attr == "seed" and not step.name and "space" not in step.owner for step in steps)
        given = any(
            step.attr == "reset" and ("seed" in step.keywords or "**" in step.keywords) for step in steps
        )
        sampled = None if seeding else _sampled(steps)
        reset = None if given or old else next((step for step in steps if step.attr == "reset"), None)
        for step, what in ((sampled, "action_space.sample()"), (reset, "reset()")):
            if step is not None:
                yield Hit(
                    step.place,
                    f"{what} draws from a generator of the environment's own, and nothing gives it a seed.",
                    "env.reset(seed=0)\nenv.action_space.seed(0)",
                )


def _sampled(steps: list[SourceStep]) -> SourceStep | None:
    return next((step for step in steps if step.attr == "sample" and "space" in step.owner), None)


def rule(project: Project) -> Iterator[Hit]:
    yield from _imgaug(project)
    yield from _gymnasium(project)


CAUSE = Cause(
    name="unseeded-library",
    title="A library's own generator is not seeded",
    what="Augmentations of imgaug and albumentations, actions and resets of gymnasium, and functions that "
    "numba compiles, whose own generators nothing seeds.",
    why="These libraries keep generators of their own, which start from entropy. To seed Python, numpy and "
    "torch does not reach them.",
    fix=_FIX,
    sources=(
        "https://imgaug.readthedocs.io/en/latest/source/examples_basics.html",
        "https://albumentations.ai/docs/4-advanced-guides/reproducibility/",
        "https://gymnasium.farama.org/api/spaces/",
        "https://numba.readthedocs.io/en/stable/reference/numpysupported.html#random",
    ),
    rule=Rule(file=file_rule, project=rule),
    invalid=(
        "import albumentations as A\n\naugment = A.Compose([A.HorizontalFlip(p=0.5), A.GaussNoise()])\n",
        "import gymnasium as gym\n\nenv = gym.make('CartPole-v1')\nstate, _ = env.reset(seed=0)\n"
        "action = env.action_space.sample()\n",
        "import imgaug.augmenters as iaa\n\naugment = iaa.Sequential([iaa.Fliplr(0.5)])\n",
        "import numba\nimport numpy as np\n\n\n@numba.njit\ndef noise(n):\n    return np.random.rand(n)\n",
    ),
    valid=(
        "import albumentations as A\n\n"
        "augment = A.Compose([A.HorizontalFlip(p=0.5), A.GaussNoise()], seed=0)\n",
        "import gymnasium as gym\n\nenv = gym.make('CartPole-v1')\nstate, _ = env.reset(seed=0)\n"
        "env.action_space.seed(0)\naction = env.action_space.sample()\n",
        "import imgaug\nimport imgaug.augmenters as iaa\n\nimgaug.seed(0)\n"
        "augment = iaa.Sequential([iaa.Fliplr(0.5)])\n",
    ),
)
