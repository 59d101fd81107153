"""What a verdict proposes: of a cause that seeds several generators, those that it is about one at a time."""

from __future__ import annotations

from samebits.compare import Verdict
from samebits.model.finding import Edit, Finding
from samebits.trials.cure.remedies import FROM_OUTSIDE, OUTSIDE, proposed

SOURCE = "import torch\n\nrng = default_rng()\nmodel = net()\n"
SEEDS = (
    Edit("train.py", 1, "import random\nimport numpy as np\nimport torch"),
    Edit("train.py", 3, "rng = default_rng(0)"),
    Edit("train.py", 4, "random.seed(0)\nnp.random.seed(0)\ntorch.manual_seed(0)\nmodel = net()"),
)


def verdict(cause: str, edits: tuple[Edit, ...], confidence: float = 0.9) -> Verdict:
    finding = Finding(confidence, None, "it draws", "seed it", cause, edits)
    return Verdict("diverged", ("a", "b"), causes=(finding,), sources={"train.py": SOURCE})


def test_the_seed_that_it_is_about_comes_first_with_its_import_alone() -> None:
    first, *rest = proposed(verdict("unseeded-torch-generator", SEEDS))
    assert first.edits == (Edit("train.py", 4, "torch.manual_seed(0)\nmodel = net()"),)
    assert [remedy.name for remedy in rest] == ["unseeded-torch-generator", "torch", "loaders"]
    assert rest[0].edits == SEEDS
    own, other = list(proposed(verdict("unseeded-numpy-random", SEEDS)))[:2]
    assert own.edits == (SEEDS[1],)
    assert other.edits == (
        Edit("train.py", 1, "import numpy as np\nimport torch"),
        Edit("train.py", 4, "np.random.seed(0)\nmodel = net()"),
    )
    assert other.what == "np.random.seed(0)"


def test_what_belongs_together_stays_together() -> None:
    one = Edit("train.py", 4, "torch.manual_seed(0)\nmodel = net()")
    loop = Edit("train.py", 4, "for n in range(2):\n    torch.manual_seed(n)\nmodel = net()")
    torch = "unseeded-torch-generator"
    for cause, edits in (("hash-order", SEEDS), (torch, (one,)), (torch, (loop,))):
        remedies = [remedy for remedy in proposed(verdict(cause, edits)) if remedy.edits]
        assert [remedy.edits for remedy in remedies] == [edits]


def test_every_cause_has_its_control_from_outside() -> None:
    assert {name for names in FROM_OUTSIDE.values() for name in names} <= set(OUTSIDE)
