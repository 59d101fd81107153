"""numpy's random numbers are used without a seed: global generator or an unseeded `default_rng()`."""

from __future__ import annotations

from samebits.causes._draws import NUMPY, drawing, of
from samebits.causes._evidence import spot, sure
from samebits.causes._seeds import made_unseeded, unseeded, weight
from samebits.model.cause import Cause, Evidence
from samebits.model.finding import Finding

_FIX = """\
import numpy as np
np.random.seed(0)  # once, at the start of the program, before anything draws"""
_FIX_OBJECT = """\
rng = np.random.default_rng(0)  # give every generator object a fixed seed"""


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
    own = of(draw) != "numpy"
    maker = f" by {found.maker}" if found.maker else ""
    what = (
        f"a {of(draw)} made without a seed{maker}"
        if own
        else "numpy's global generator, which was not seeded"
    )
    return Finding(
        0.95 * weight(evidence, draw),
        found.site or draw.site,
        f"{drawing(draw)} gave the two runs different values: it draws from {what}.{found.also}",
        _FIX_OBJECT if own else _FIX,
        subject=draw.detail,
    )


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
