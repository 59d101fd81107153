"""Python's `random` is used without a seed: each process starts it from the operating system's entropy."""

from __future__ import annotations

from samebits.causes._evidence import spot, sure
from samebits.causes._seeds import PYTHON, made_unseeded, of, unseeded, weight
from samebits.model.cause import Cause, Evidence
from samebits.model.finding import Finding

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
            f"differs; what "
            "was drawn from it was not seen, perhaps in the workers of a loader.",
            _FIX_OBJECT,
        )
    draw, site = found
    own = of(draw) != "python"
    what = "a random.Random object made without a seed" if own else "Python's random, which was not seeded"
    return Finding(
        0.95 * weight(evidence, draw),
        site or draw.site,
        f"{draw.detail.call or 'a draw'} at {spot(draw.site)} gave the two runs different "
        f"values: it draws "
        f"from {what}.",
        _FIX_OBJECT if own else _FIX,
    )


CAUSE = Cause(
    name="unseeded-python-random",
    title="Python's random is not seeded",
    what="Draws from the `random` module, or from a `random.Random()` object, that nothing has seeded.",
    why="Every process starts `random` from the operating system's entropy. `torch.manual_seed` "
    "does not reach "
    "it, so shuffles, augmentations and samples taken with it differ from run to run.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/notes/randomness.html#python",
        "https://github.com/pytorch/pytorch/issues/7068",
        "https://docs.python.org/3/library/random.html#random.seed",
    ),
    match=match,
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
