"""numpy's random numbers are used without a seed: global generator or an unseeded `default_rng()`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from samebits.causes._compiledfix import seed_compiled
from samebits.causes._draws import NUMPY, drawing, of
from samebits.causes._evidence import spot, sure
from samebits.causes._generator_calls import NUMPY as STREAM
from samebits.causes._objects import give_seed, made_without_seed
from samebits.causes._patch import Patch, mends
from samebits.causes._seedfix import seed_everything
from samebits.causes._seeds import Unseeded, made_unseeded, unseeded, weight
from samebits.causes._source import compiled_draw
from samebits.causes._streams import unseeded as unseeded_programs
from samebits.model.cause import Cause, Evidence
from samebits.model.finding import Finding
from samebits.model.rule import Hit, Rule
from samebits.source.module import Module
from samebits.source.project import Project, is_test

_FIX = """\
import numpy as np
np.random.seed(0)  # once, at the start of the program, before anything draws"""
_FIX_OBJECT = """\
rng = np.random.default_rng(0)  # give every generator object a fixed seed"""


_FIX_COMPILED = """\
@numba.njit
def seed(value):
    np.random.seed(value)  # in a compiled function: np.random.seed() outside of one does not reach them

seed(0)"""


def _compiled(evidence: Evidence, found: Unseeded) -> Finding:
    """What a function drew that numba compiled, from generators that numba seeds from entropy."""
    site = compiled_draw(evidence.sources)
    where = f" at {spot(site)}" if site else ""
    return Finding(
        0.93 * weight(evidence, found.draw),
        site,
        f"a function that numba compiled draws{where} from numba's own generator, which nothing seeded: "
        f"np.random.seed() in Python does not reach it.{found.also}",
        _FIX_COMPILED,
        subject=found.draw.detail,
    )


def match(evidence: Evidence) -> Finding | None:
    found = unseeded(evidence, NUMPY)
    if found is None:
        made = made_unseeded(evidence, NUMPY)
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
    if of(draw) == "numba":
        return _compiled(evidence, found)
    own = of(draw) != "numpy"
    maker = f" by {found.maker}" if found.maker else ""
    if own:
        what = f"a {of(draw)} made without a seed{maker}"
    elif found.reseeded:
        what = f"numpy's global generator, which {spot(found.site)} seeds from the operating system"
    else:
        what = "numpy's global generator, which was not seeded"
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
            f"{seen.step.attr}() draws from numpy's global generator, and nothing that {program} does "
            "seeds it.",
            _FIX,
            places=tuple((place, "it draws here, too") for place in others[:3]),
            instead=others,
        )


#: What makes a generator, or what one is made of, from a seed.
_MAKERS: Final = frozenset(
    f"numpy.random.{name}"
    for name in (
        "default_rng",
        "RandomState",
        "SeedSequence",
        "PCG64",
        "Philox",
        "MT19937",
        "SFC64",
        "PCG64DXSM",
    )
)


def rule_of_objects(module: Module) -> Iterator[Hit]:
    if is_test(module.file):
        return
    for call, name, last in module.calls:
        if name in _MAKERS and made_without_seed(module, call):
            why = f"this {last}() has no seed: every process starts it from entropy."
            yield Hit(module.place(call), why, _FIX_OBJECT, mend=give_seed)


def _change(patch: Patch, finding: Finding) -> str | None:
    if getattr(finding.subject, "generator", None) == "numba":
        seed_compiled(patch, finding.site)
        return None
    return seed_everything(patch, finding, "numpy")


CAUSE = Cause(
    name="unseeded-numpy-random",
    title="numpy's random is not seeded",
    what="Draws from `np.random`, `np.random.RandomState()` or `np.random.default_rng()` that nothing has "
    "seeded.",
    why="numpy starts its generators from the operating system's entropy, and `torch.manual_seed` does not "
    "reach them. Splits, shuffles and augmentations made with numpy then differ from run to run.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/notes/randomness.html#random-number-generators-in-other-libraries",
        "https://github.com/pytorch/pytorch/issues/41329",
        "https://numpy.org/doc/stable/reference/random/generator.html",
    ),
    match=match,
    mend=mends(_change),
    rule=Rule(file=rule_of_objects, project=rule),
    invalid=(
        "import numpy as np\nimport torch\n\ntorch.manual_seed(0)\nsplit = np.random.permutation(100)\n",
        "import numpy as np\n\nrng = np.random.default_rng()\nnoise = rng.normal(size=10)\n",
    ),
    valid=(
        "import numpy as np\nimport torch\n\nnp.random.seed(0)\ntorch.manual_seed(0)\n"
        "split = np.random.permutation(100)\n",
        "import numpy as np\n\nrng = np.random.default_rng(0)\nnoise = rng.normal(size=10)\n",
    ),
)
