"""Python's `random` is used without a seed: each process starts it from the operating system's entropy."""

from __future__ import annotations

from collections.abc import Iterator

from samebits.causes._draws import PYTHON, drawing, of
from samebits.causes._evidence import spot, sure
from samebits.causes._generator_calls import PYTHON as STREAM
from samebits.causes._objects import give_seed, made_without_seed
from samebits.causes._patch import Patch, mends
from samebits.causes._seedfix import seed_everything
from samebits.causes._seeds import made_unseeded, unseeded, weight
from samebits.causes._streams import unseeded as unseeded_programs
from samebits.model.cause import Cause, Evidence
from samebits.model.finding import Finding
from samebits.model.rule import Hit, Rule
from samebits.source.module import Module
from samebits.source.project import Project, is_test

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


def rule(project: Project) -> Iterator[Hit]:
    for seen, program, others in unseeded_programs(project, STREAM):
        yield Hit(
            seen.step.place,
            f"{seen.step.name}() draws from Python's random, and nothing that {program} does seeds it.",
            _FIX,
            places=tuple((place, "it draws here, too") for place in others[:3]),
            instead=others,
        )


def rule_of_objects(module: Module) -> Iterator[Hit]:
    if is_test(module.file):
        return
    for call, name, _ in module.calls:
        if name == "random.Random" and made_without_seed(module, call):
            why = "this random.Random() has no seed: every process starts it from entropy."
            yield Hit(module.place(call), why, _FIX_OBJECT, mend=give_seed)


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
    rule=Rule(file=rule_of_objects, project=rule),
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
