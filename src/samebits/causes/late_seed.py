"""Something is drawn before the seed is set: another number in every run, whatever is seeded after it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from samebits.causes._generator_calls import ALL, CALLED, is_layer
from samebits.causes._streams import courses, matters
from samebits.model.cause import Cause
from samebits.model.rule import Hit, Rule
from samebits.source.project import Project

_FIX = """\
torch.manual_seed(0)  # before the model is made, a split is drawn, or a list is shuffled
model = Net()"""


def rule(project: Project) -> Iterator[Hit]:
    for stream in sorted(ALL):
        for program, course in courses(project, stream):
            early, seeded = course.early, course.seeded
            if early is None or seeded is None or not matters(project, program):
                continue
            at = (seeded.calls[0] if seeded.calls else seeded.step).place
            where = f"{posixpath.basename(at.file)}:{at.line}"
            made = "gets its first weights" if is_layer(early.step) else "draws"
            yield Hit(
                early.step.place,
                f"{early.step.attr}() {made} from {CALLED[stream]} before {where} seeds it.",
                _FIX,
                places=((seeded.step.place, "it is seeded here"),),
            )


CAUSE = Cause(
    name="late-seed",
    title="A seed is set after the first draw",
    what="A draw, a layer that is made, or a split, on the program's way before the seed of that generator "
    "is set.",
    why="A seed holds for what is drawn after it. What came before started from the operating system's "
    "entropy, so the first weights, the split or the order of the data differ from run to run.",
    fix=_FIX,
    sources=(
        "https://docs.pytorch.org/docs/stable/notes/randomness.html#pytorch-random-number-generator",
        "https://github.com/pytorch/pytorch/issues/47835",
    ),
    rule=Rule(project=rule),
    invalid=(
        "import torch\n\nmodel = torch.nn.Linear(4, 2)\ntorch.manual_seed(0)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n",
        "import random\n\nrows = list(range(100))\nrandom.shuffle(rows)\nrandom.seed(3)\ntest = "
        "random.sample(rows, 10)\n",
    ),
    valid=(
        "import torch\n\ntorch.manual_seed(0)\nmodel = torch.nn.Linear(4, 2)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n",
        "import random\n\nrandom.seed(3)\nrows = list(range(100))\nrandom.shuffle(rows)\ntest = "
        "random.sample(rows, 10)\n",
    ),
)
